"""Settings of a web server process that the browser tests start and kill: the tests' own, with static files as they lie."""

from tests.settings import *  # noqa: F403

WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
