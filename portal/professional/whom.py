"""Whom these pages are for."""

from accounts.actors import Capacity
from portal.doors import for_capacity

professionals_only = for_capacity(Capacity.PROFESSIONAL, sign_in="professional:sign_in")
