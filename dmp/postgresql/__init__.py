"""PostgreSQL as Django speaks to it, with connections that are looked at before they serve again."""
