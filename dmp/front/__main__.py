"""`python -m dmp.front dmp.wsgi:front`: the processes of the web, and the socket they share."""

import sys

from dmp.front.server import main

sys.exit(main())
