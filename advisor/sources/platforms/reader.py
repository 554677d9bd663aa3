"""Recognizes the files of platforms, and reads them together: Kubernetes, Compose, Dockerfiles and Terraform."""

from __future__ import annotations

import re

from advisor.deployment.model import DeploymentFiles
from advisor.knowledge import Knowledge
from advisor.sources.platforms import compose, dockerfile
from advisor.sources.platforms.compose import AuditedFiles, LabelReader, no_labels
from advisor.sources.platforms.kubernetes import ClusterFiles, ConfigReader, is_kubernetes, no_config
from advisor.sources.platforms.terraform import Modules, is_terraform

_SERVICES = re.compile(r"^services[ \t]*:", re.MULTILINE)
_CONTAINER = re.compile(r"^[ \t]+(?:image|build)[ \t]*:", re.MULTILINE)


class PlatformReader:
    """The files of platforms of a deployment. Offer each file to `add`, and then ask for the `result`."""

    def __init__(
        self,
        knowledge: Knowledge,
        files: AuditedFiles,
        config: ConfigReader = no_config,
        labels: LabelReader = no_labels,
    ) -> None:
        """Prepare to read.

        Args:
            knowledge: what settings mean.
            files: the files below the audited path, for the files with variables of Compose.
            config: reads the configuration of a proxy in a ConfigMap.
            labels: reads the labels of compose services with which a proxy finds them.
        """
        self._knowledge = knowledge
        self._files = files
        self._labels = labels
        self._cluster = ClusterFiles(knowledge, config)
        self._modules = Modules()
        self._found: list[DeploymentFiles] = []

    def add(self, text: str, path: str) -> bool:
        """Read a file.

        Args:
            text: the content.
            path: the path relative to the audited path, with `/`.

        Returns:
            False if the file is of no platform. Another reader can know it.
        """
        is_yaml = path.endswith((".yaml", ".yml"))
        if dockerfile.is_dockerfile(path):
            self._found.append(dockerfile.read(text, path, self._knowledge))
        elif is_terraform(path):
            self._modules.add(text, path)
        elif is_kubernetes(text, path):
            self._cluster.add(text, path)
        elif is_yaml and _SERVICES.search(text) and (compose.is_compose(path) or _CONTAINER.search(text)):
            self._found.append(compose.read(text, path, self._files, self._knowledge, self._labels))
        else:
            return False
        return True

    def result(self) -> DeploymentFiles:
        """Return the parts of the deployment that all files state."""
        return self._cluster.result().joined(self._modules.result(), *self._found)
