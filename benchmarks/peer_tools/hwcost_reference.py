"""A long campaign of the tested nets, which the models of all tools are compared with."""

from __future__ import annotations

from peer_tools.asked import serve
from peer_tools.hwcost_command import reference

if __name__ == "__main__":
    serve(reference)
