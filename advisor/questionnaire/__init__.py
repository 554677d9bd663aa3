"""The questionnaire of `ask`: the choice of the next question, and the prompts on a terminal."""
