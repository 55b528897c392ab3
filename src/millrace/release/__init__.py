"""From a package to a champion: gate, promotion, rollback."""
