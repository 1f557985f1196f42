"""The ledger: what happened, provably. Append-only, chained per dossier, sealed, without foreign keys."""
