"""Measures the job in this folder: ``python run.py``. It needs Python 3.8 or later, and the job's runtime."""

import os
import sys

if __name__ == "__main__":
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True  # a full disk keeps half of a file, which no later run could read
    from hwcost_agent.main import main

    sys.exit(main(folder))
