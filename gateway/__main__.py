"""`python -m gateway` is the `tieline` command."""

import sys

from gateway.cli import main

sys.exit(main())
