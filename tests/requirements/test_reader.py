"""The input that the reader accepts or refuses, and the place in its error messages."""

import json
import os
import pickle
import re
import string
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.requirements.reader import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    ReadError,
    SourceDocument,
    SourceFloat,
    read_bytes,
    read_path,
)

SEE_EXAMPLE = "To see a requirements file, run `mcp-advisor init`."

retried = pytest.mark.retried("Each example has a deadline of one second of wall-clock time.")


def read(text: str) -> SourceDocument:
    """Read `text` as the file f.yaml."""
    return read_bytes(text.encode(), "f.yaml")


def refusal(text: str | bytes) -> ReadError:
    """Return the error that reading `text` raises."""
    with pytest.raises(ReadError) as caught:
        read_bytes(text.encode() if isinstance(text, str) else text, "f.yaml")
    return caught.value


# --- data -------------------------------------------------------------------------------------------------------


def test_block_yaml_becomes_plain_data() -> None:
    document = read("name: bot\nneeds:\n  - id: issues.read\n    limits: {ms: 800}\n  - search\n")
    assert document.name == "f.yaml"
    assert document.data == {"name": "bot", "needs": [{"id": "issues.read", "limits": {"ms": 800}}, "search"]}


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_read_as_it_is(indent: int | None) -> None:
    data: object = {"a": [1, 2.5, True, None, "x", {}, []], "b": {"c": 'é "quoted" / \\ \n'}}
    assert read(json.dumps(data, indent=indent, ensure_ascii=False)).data == data


@pytest.mark.parametrize(
    ("text", "value"),
    [("plain", "plain"), ("[]", []), ("{}", {}), ("~", None), ("'1'", "1"), ("''", ""), ("--- 7\n...\n", 7)],
)
def test_the_root_can_be_any_value(text: str, value: object) -> None:
    assert read(text).data == value


@pytest.mark.parametrize(
    ("written", "value"),
    [(form(word), word in ("true", "yes", "on")) for word in ("true", "yes", "on", "false", "no", "off")
     for form in (str.lower, str.capitalize, str.upper)],
)  # fmt: skip
def test_booleans_people_write_are_booleans(written: str, value: bool) -> None:
    assert read(f"a: {written}").data == {"a": value}


@pytest.mark.parametrize("written", ["null", "Null", "NULL", "~", ""])
def test_null_is_none(written: str) -> None:
    assert read(f"a: {written}").data == {"a": None}


@pytest.mark.parametrize(("written", "value"), [("0", 0), ("42", 42), ("-7", -7), ("+5", 5), ("9" * 100, 10**100 - 1)])
def test_decimal_integers_are_int(written: str, value: int) -> None:
    data = read(written).data
    assert data == value
    assert type(data) is int


@pytest.mark.parametrize("written", ["1.30", "3.", ".5", "-0.0", "1e3", "1.5E-3", "00.5", "+2.50"])
def test_floats_remember_how_they_were_written(written: str) -> None:
    value = read(written).data
    assert isinstance(value, SourceFloat)
    assert value == float(written)
    assert value.source == written


@pytest.mark.parametrize(
    "written",
    ["2024-05-01", "2024-05-01T10:00:00Z", "0755", "007", "0o7", "0x10", "0b1", "1_000", "1:30", "190:20:30",
     ".inf", "-.INF", ".nan", "1.2.3", "1e999", "-1e999", "--", "+", ".", "-.", "e5", "1e", "y", "n", "oN", "nULL",
     "١٢"],
)  # fmt: skip
def test_other_plain_scalars_are_text(written: str) -> None:
    assert read(f"a: [{written}, x]").data == {"a": [written, "x"]}


@pytest.mark.parametrize("digits", [101, 5_000, 10_000, 500_000])
def test_a_huge_number_is_text(digits: int) -> None:
    assert read("a: " + "9" * digits).data == {"a": "9" * digits}
    assert read("a: 0." + "9" * digits).data == {"a": "0." + "9" * digits}


@pytest.mark.parametrize("written", ["1", "1.30", "true", "null", "~", "", "<<"])
def test_quoted_scalars_are_text(written: str) -> None:
    assert read(f"a: '{written}'\nb: \"{written}\"\nc: |-\n  {written}").data == dict.fromkeys("abc", written)


def test_a_bom_is_accepted_and_does_not_shift_columns() -> None:
    assert read("\ufeffa: 1").data == {"a": 1}
    assert refusal("\ufeffa: @").column == 4


# --- lines ------------------------------------------------------------------------------------------------------


def test_lines_are_those_of_keys_and_items() -> None:
    text = "# comment\na:\n  b:\n    1\nc:\n  - x\n  -\n    d: 2\n    e: [1,\n      2]\n  -\nf: {g:\n  h}\n"
    assert read(text).lines == {
        (): 1,
        ("a",): 2,
        ("a", "b"): 3,
        ("c",): 5,
        ("c", 0): 6,
        ("c", 1): 8,
        ("c", 1, "d"): 8,
        ("c", 1, "e"): 9,
        ("c", 1, "e", 0): 9,
        ("c", 1, "e", 1): 10,
        ("c", 2): 11,
        ("f",): 12,
        ("f", "g"): 12,
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_do_not_depend_on_the_newline(newline: str) -> None:
    assert read(newline.join(["a: 1", "b: >", "  x", "  y", "c: 2"])).lines[("c",)] == 5


def test_the_line_of_an_unknown_path_is_that_of_its_nearest_ancestor() -> None:
    document = read("a: 1\nb:\n  - c: 2\n")
    assert document.line_of(("b", 0, "c")) == 3
    assert document.line_of(("b", 7, "x")) == 2
    assert document.line_of(("nowhere", 1)) == 1


def test_inside_an_alias_the_line_is_that_of_the_alias() -> None:
    document = read("a: &x\n  k: 1\n  l: 2\nb: *x\n")
    assert document.data == {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 2}}
    assert document.line_of(("a", "l")) == 3
    assert document.line_of(("b", "l")) == 4


# --- errors as values ---------------------------------------------------------------------------------------------


def test_an_error_names_file_line_problem_and_hint() -> None:
    assert str(ReadError("f", 3, 4, "it is bad", "Fix it.")) == "f:3: it is bad. Fix it."
    assert str(ReadError("f", 3, None, "it is bad")) == "f:3: it is bad"
    assert str(ReadError("f", None, None, "it is bad")) == "f: it is bad"


def test_an_error_survives_pickling() -> None:
    error = refusal("a: 1\na: 2")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.column) == (str(error), 1)


# --- what is refused in the structure -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n# comments\n", "---\n", "--- # c\n...\n", "\ufeff", "  "])
def test_an_empty_file_is_refused(text: str) -> None:
    assert str(refusal(text)) == f"f.yaml: the file is empty. {SEE_EXAMPLE}"


def test_a_second_document_is_refused() -> None:
    message = "f.yaml:2: a second document starts here. A file has one document. Split the file."
    assert str(refusal("a: 1\n---\nb: 2\n")) == message


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    error = refusal("x:\n  a: 1\n  b: 2\n  a: 3\n")
    assert str(error) == "f.yaml:4: key 'a' is already on line 2. Remove one of the two."
    assert error.column == 3


def test_the_same_key_in_different_mappings_is_not_a_duplicate() -> None:
    assert read("a: {a: 1}\nb: [{a: 1}, {a: 2}]").data == {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}


@pytest.mark.parametrize(
    ("key", "kind"),
    [("8080", "an integer"), ("1.30", "a float"), ("on", "a boolean"), ("No", "a boolean"), ("null", "null"),
     ("~", "null")],
)  # fmt: skip
def test_a_key_that_is_not_text_is_refused(key: str, kind: str) -> None:
    assert str(refusal(f"a: 1\n{key}: 2")) == f"f.yaml:2: key '{key}' is {kind}, not text. Quote it: \"{key}\"."
    assert read(f'"{key}": 2').data == {key: 2}


@pytest.mark.parametrize(
    ("text", "kind"), [("a: {{ name }}", "a mapping"), ("[1, 2]: x", "a list"), ("? {a: 1}\n: x", "a mapping")]
)
def test_a_collection_cannot_be_a_key(text: str, kind: str) -> None:
    assert str(refusal(text)) == f"f.yaml:1: this key is {kind}, not text. Quote text that starts with {{ or [."


def test_a_merge_key_is_refused() -> None:
    message = "f.yaml:3: merge key '<<' is not allowed. Copy the merged entries to this mapping."
    assert str(refusal("a: &x {k: 1}\nb:\n  <<: *x\n")) == message


@pytest.mark.parametrize(
    ("tag", "shown"),
    [("!foo", "!foo"), ("!!python/object/apply:os.system", "!!python/object/apply:os.system"), ("!!str", "!!str"),
     ("!<tag:x,2000:y>", "tag:x,2000:y"), ("!", "!")],
)  # fmt: skip
@pytest.mark.parametrize("value", ["1", "[ls]", "{a: 1}"])
def test_tags_are_refused(tag: str, shown: str, value: str) -> None:
    message = f"f.yaml:2: tag '{shown}' is not allowed. Remove the tag. To make a value text, quote the value."
    assert str(refusal(f"a: 1\nb: {tag} {value}")) == message


def test_tags_are_refused_on_keys_and_the_root() -> None:
    assert refusal("a: 1\n!foo b: 1").line == 2
    assert refusal("!!set {a, b}").line == 1


# --- aliases and limits -------------------------------------------------------------------------------------------


def test_an_alias_stands_for_the_latest_anchor_of_its_name() -> None:
    assert read("[&x 1, *x, &x [2], *x, &y ~, *y]").data == [1, 1, [2], [2], None, None]
    assert read("a: &k key\n*k : 1").data == {"a": "key", "key": 1}


def test_an_alias_without_anchor_is_refused() -> None:
    message = "f.yaml:2: alias '*x' has no anchor before it. If the value is text, quote the value."
    assert str(refusal("a: 1\nb: *x")) == message


@pytest.mark.parametrize("text", ["a: &x\n  - *x", "a: &x\n  b: [{c: *x}]", "a: &x 1\nb: &x [1,\n *x]"])
def test_an_alias_inside_its_own_anchor_is_refused(text: str) -> None:
    error = refusal(text)
    assert error.problem == "alias '*x' is inside its own anchor"
    assert error.line == text.count("\n") + 1


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    message = "f.yaml:13: alias '*a11' makes the data too large or too deep. Write the values without this alias."
    assert str(refusal(bomb)) == message


def test_a_long_text_repeated_by_aliases_is_refused() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [{'*a , ' * 100}]"
    message = "f.yaml:2: alias '*a' makes the data too large or too deep. Write the values without this alias."
    assert str(refusal(text)) == message


def test_nesting_grown_by_aliases_is_refused() -> None:
    text = "a1: &a1 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(2, 100))
    error = refusal(text)
    assert error.problem == f"alias '*a{MAX_DEPTH - 1}' makes the data too large or too deep"
    assert error.line == MAX_DEPTH


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_nesting_is_limited(opening: str, closing: str) -> None:
    read(opening * MAX_DEPTH + "x" + closing * MAX_DEPTH)
    error = refusal("\n" + opening * (MAX_DEPTH + 1) + "x" + closing * (MAX_DEPTH + 1))
    message = f"the nesting is deeper than {MAX_DEPTH} levels. Such a file needs at most 4 levels."
    assert str(error) == f"f.yaml:2: {message}"
    assert refusal(opening * (MAX_BYTES // len(opening))).problem == error.problem


@pytest.mark.parametrize("before", ["", "\n", "a: ", "- "])
@pytest.mark.parametrize("opening", ["[", "[[\n", "{a: "])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 999, 1_000, 1_001, 5_000])
def test_a_limit_of_the_parser_gives_the_same_message(before: str, opening: str, levels: int) -> None:
    assert refusal(before + opening * levels).problem == f"the nesting is deeper than {MAX_DEPTH} levels"


def test_the_number_of_values_is_limited() -> None:
    read("- x\n" * (MAX_NODES - 1))
    message = f"f.yaml:{MAX_NODES}: the file has more than {MAX_NODES} values. {SEE_EXAMPLE}"
    assert str(refusal("- x\n" * MAX_NODES)) == message


def test_the_size_is_limited() -> None:
    assert read("#" * (MAX_BYTES - 2) + "\na").data == "a"
    assert str(refusal("#" * (MAX_BYTES - 1) + "\na")) == f"f.yaml: the file is larger than 1024 KiB. {SEE_EXAMPLE}"


# --- characters and encodings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 7, 8, 0x0B, 0x0C, 0x1B, 0x7F, 0x80, 0x9F, 0xFFFE, 0xFFFF])
def test_control_characters_are_refused(code: int) -> None:
    error = refusal(f"a: 1\nb: é{chr(code)}")
    assert str(error) == f"f.yaml:2: character U+{code:04X} is not allowed. Remove the character."
    assert error.column == 5


def test_nul_bytes_are_refused() -> None:
    assert str(refusal("a: 1\n\0")) == "f.yaml:2: character U+0000 is not allowed. Save it as UTF-8 text."


@pytest.mark.parametrize("escape", [r"\0", r"\x1b", r"\u007f", r"\a"])
def test_escaped_control_characters_are_refused(escape: str) -> None:
    assert re.fullmatch(
        r"f.yaml:2: character U\+00[0-9A-F]{2} is not allowed\. Remove the character\.",
        str(refusal(f'a: 1\nb: "{escape}[31m"')),
    )
    assert read(rf'"\t\n\r\\{escape[1:]} \u00e9"').data == f"\t\n\r\\{escape[1:]} é"


def test_escaped_surrogates_are_refused() -> None:
    error = refusal('{\n"a": "\\ud83d\\ude00"}')
    assert error.line == 2
    assert error.hint == r"Write the character itself instead of \u escapes."


@pytest.mark.parametrize("raw", [b"a: 1\nb: \xc3\xa9\xff", b"\xef\xbb\xbfa: 1\nb: \xc3\xa9\xed\xa0\x80"])
def test_other_encodings_are_refused(raw: bytes) -> None:
    error = refusal(raw)
    assert str(error) == "f.yaml:2: the file is not valid UTF-8. Save it as UTF-8."
    assert error.column == 5


def test_utf_16_is_refused_by_name() -> None:
    assert str(refusal("a: 1".encode("utf-16"))) == "f.yaml:1: the file is UTF-16, not UTF-8. Save it as UTF-8."
    assert refusal("a: 1".encode("utf-16-be")).hint == "Save it as UTF-8 text."


# --- syntax -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "problem", "hint"),
    [
        ("a:\n\tb: 1", 2, 1, "cannot start any token", "Indent with spaces, not tabs."),
        ("a: b\n\tc: 1", 2, 1, "tab character that violates indentation", "Indent with spaces, not tabs."),
        ("a: 1\nb: é: d", 2, 5, "mapping values are not allowed", "or quote a value that contains"),
        ("a: 1\nb: @x", 2, 4, "cannot start any token", "Quote a value that starts with this character."),
        ("a: *.py", 1, 5, "while scanning an alias", "Quote a value that starts with * or &."),
        ("a: 1\nb: [1,\n 2\n", 4, 1, "flow sequence that starts on line 2", None),
        ("a: 'x\n\n", 3, 1, "quoted scalar that starts on line 1", None),
        ("a: 1\n...\nb", 3, 1, "<document start>", None),
        ("a:\n  b: 1\n c: 2", 3, 2, "did not find expected key", None),
    ],
)
def test_a_syntax_error_is_one_sentence_with_line_and_column(
    text: str, line: int, column: int, problem: str, hint: str | None
) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (line, column)
    assert problem in error.problem
    assert hint in error.hint if hint and error.hint else error.hint == hint
    assert "\n" not in str(error)
    assert len(str(error)) < 200


def test_long_names_are_cut_in_messages() -> None:
    name = "k" * 800
    for text in (f"{name}: 1\n{name}: 2", f"a: !{name} 1", f"a: *{name}", f"a: &{name} [*{name}]"):
        assert len(str(refusal(text))) < 200


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_is_read_and_named_as_given(tmp_path: Path) -> None:
    path = tmp_path / "é.yaml"
    path.write_bytes(b"a: 1\n")
    assert read_path(path) == SourceDocument(str(path), {"a": 1}, {(): 1, ("a",): 1})
    assert read_path(str(path)).name == str(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(ReadError) as caught:
        read_path(path)
    assert str(caught.value) == f"{path}: the file cannot be read: no such file or directory"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="this is a directory, not a regular file"):
        read_path(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs fifos")
def test_a_fifo_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ReadError, match="this is a special file, not a regular file"):
        read_path(tmp_path / "fifo")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(ReadError, match="this is a special file, not a regular file"):
        read_path(device)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs file permissions")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_bytes(b"a: 1")
    path.chmod(0)
    (tmp_path / "open.yaml").write_bytes(b"a: 1")
    tmp_path.chmod(0o755)
    # Root can read every file, so as root the check runs in a process of the user `nobody`.
    program = (
        "import os, sys\n"
        "from advisor.requirements.reader import ReadError, read_path\n"
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(read_path('open.yaml').data)\n"
        "try: read_path('secret.yaml')\n"
        "except ReadError as error: print(error)"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "{'a': 1}\nsecret.yaml: the file cannot be read: permission denied\n"


@pytest.mark.parametrize("path", ["a\0b", "a/\ud800", "x" * 5000, "bad\nname\x1b[31m"])
def test_an_impossible_path_is_refused_in_printable_text(path: str) -> None:
    with pytest.raises(ReadError, match="the file cannot be read") as caught:
        read_path(path)
    assert caught.value.name.isprintable()


def test_no_more_than_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: reading all of it would not fit in memory
    with pytest.raises(ReadError, match="the file is larger than 1024 KiB"):
        read_path(path)


# --- everything ---------------------------------------------------------------------------------------------------

PIECES = [*string.punctuation, *" \n\t\r01.aé\ufeff\u2028\x85\0\x1b\ud7ff😀", "\n  ", "\n- ", ": ", "? ", "<<: ", "&a ",
          "*a ", "&b ", "*b", "!!str ", "!x ", "---\n", "...\n", "%YAML 1.2\n", "%TAG ! x\n", "|\n", ">-\n", "on", "~",
          "null", "1e9", "\\ud800", "\\x00", "\\U00110000", "# c\n", "9" * 5000, "[" * 40, "a: 1\n",
          "\r\n"]  # fmt: skip


def reads_or_refuses(raw: bytes) -> None:
    """Fail unless `raw` is read into a consistent document or refused with a one-line message."""
    try:
        document = read_bytes(raw, "f.yaml")
    except ReadError as caught:
        error = caught
    else:
        json.dumps(document.data)  # plain, without cycles, and not too deep for recursion
        assert document.lines[()] == 1
        return
    assert str(error).isprintable()
    assert error.line is None or 1 <= error.line <= len(raw.decode(errors="replace").splitlines()) + 1
    assert error.column is None or error.column >= 1


@retried
@settings(deadline=timedelta(seconds=1), max_examples=500)
@given(st.binary(max_size=2000))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(raw)


@retried
@settings(deadline=timedelta(seconds=1), max_examples=500)
@given(st.text(max_size=500))
def test_arbitrary_text_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text.encode(errors="surrogatepass"))


@retried
@settings(deadline=timedelta(seconds=1), max_examples=600)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_yamlish_text_is_read_or_refused(text: str) -> None:
    reads_or_refuses(text.encode())


@retried
@settings(deadline=timedelta(seconds=1), max_examples=60)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join))
def test_a_file_full_of_one_pattern_is_read_or_refused_in_time(pattern: str) -> None:
    raw = pattern.encode()
    reads_or_refuses(raw * (MAX_BYTES // len(raw)))


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(min_codepoint=32, max_codepoint=126)), inner),
    max_leaves=20,
)  # fmt: skip


@retried
@settings(deadline=timedelta(seconds=1))
@given(json_data, st.sampled_from([None, 0, 2]))
def test_what_json_writes_is_read_back(data: object, indent: int | None) -> None:
    document = read(json.dumps(data, indent=indent))
    assert document.data == data


# --- without libyaml ----------------------------------------------------------------------------------------------


def test_the_pure_python_parser_gives_the_same() -> None:
    texts = ["a: 1.30\nb: [x, {c: on}]\n", "a: 1\na: 2", "<<: x", "a: !x 1", "a: \x07", "[" * 5000, "", "on: 1",
             '"\\UFFFFFFFF"', '"\\ud800"', "a:\n\tb: 1"]  # fmt: skip
    program = (
        "import sys, json; sys.modules['yaml._yaml'] = None\n"
        "from advisor.requirements.reader import ReadError, read_bytes\n"
        "def outcome(text):\n"
        "    try: return repr(read_bytes(text.encode(), 'f.yaml').data)\n"
        "    except ReadError as error: return [error.line, error.problem]\n"
        "import yaml; assert not yaml.__with_libyaml__\n"
        "print(json.dumps([outcome(text) for text in json.load(sys.stdin)]))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=root
    )
    python = json.loads(done.stdout)
    assert python[0] == repr(read(texts[0]).data)
    for text, outcome in zip(texts[1:8], python[1:8], strict=True):
        error = refusal(text)
        assert outcome == [error.line, error.problem]
    assert all(isinstance(outcome, list) for outcome in python[8:])  # also refused, with another message
