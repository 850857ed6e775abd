"""The settings of servers that this machine runs for the application."""

from app import embedded
from app.config import Settings, UnsafeSettings


def fill_in_embedded_servers(settings: Settings) -> Settings:
    """Return the settings with missing URLs and secrets of the running embedded servers.

    Production has none of them: there, settings without URLs do not load at all.
    """
    wanted = ("database_url", "database_owner_url", "redis_url")
    missing = [name for name in wanted if not getattr(settings, name)]
    if settings.is_production or (not missing and settings.secret_key):
        return settings
    defaults: dict[str, str] = {}
    if missing:
        urls = embedded.find_running_servers(settings.data_dir)
        if urls is None:
            reason = f"is not set, and no server runs in {settings.data_dir}: start bin/run"
            raise UnsafeSettings({name.upper(): reason for name in missing})
        defaults = {name: getattr(urls, name) for name in missing}
        defaults["sandbox_url"] = settings.sandbox_url or urls.sandbox_url
    if not settings.secret_key:
        defaults["secret_key"] = embedded.local_secret_key(settings.data_dir)
    return Settings.load(**(settings.model_dump() | defaults))
