"""What the product asks of the AI service; nothing in it costs money or deletes."""

from tradeops.adapters.ai_service import client as ai_service
from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.catalogue import Needed, Optional

NEEDED = (
    Needed(f"GET {ai_service.HEALTH}", AiServiceClient.health),
    Needed(f"GET {ai_service.COST_STATISTICS}", AiServiceClient.cost_statistics),
)
OPTIONAL = (
    Optional("POST", "/ai/train", AiServiceClient.has_route, fallback="models are trained by the own trainer"),
    Optional(
        "GET",
        "/ai/model/accuracy_history",
        AiServiceClient.has_route,
        fallback="the accuracy history of the own store is used",
    ),
)
