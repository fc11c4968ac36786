"""What every answer of the dashboard tells browsers, whoever wrote it: pages, errors and redirects alike."""

from starlette.datastructures import MutableHeaders

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}


def protect(headers: MutableHeaders, *, embeddable: bool, https: bool) -> None:
    """Add what is missing; what depends on the route (how long it may be cached) stays as the route said.

    Args:
        headers: of the answer, changed in place.
        embeddable: other sites may show it: the badge, where the status is public.
        https: the visitor came that way, so that this site need never be asked otherwise.
    """
    for name, value in ALWAYS.items():
        headers[name] = value
    headers["cross-origin-resource-policy"] = "cross-origin" if embeddable else "same-origin"
    headers.setdefault("cache-control", "no-store")
    if https:
        headers["strict-transport-security"] = "max-age=31536000"
    for name in ("access-control-allow-origin", "access-control-allow-credentials"):
        if name in headers:
            del headers[name]
