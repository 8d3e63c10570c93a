"""Configuration: ``hwcost.toml`` or ``[tool.hwcost]`` of a project, the user's file, and ``HWCOST_*`` variables.

Importing this loads neither pydantic nor a TOML reader; a file that is there does.
"""

from hwcost.configuration.files import ConfigFile, project_file, user_file
from hwcost.configuration.options import OPTIONS, Option
from hwcost.configuration.settings import Setting, settings

__all__ = ["OPTIONS", "ConfigFile", "Option", "Setting", "project_file", "settings", "user_file"]
