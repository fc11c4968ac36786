"""What the product asks of the frontend."""

from tradeops.adapters.catalogue import Needed
from tradeops.adapters.frontend.client import FrontendClient

NEEDED = (Needed("GET /", FrontendClient.page),)
