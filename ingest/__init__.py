"""The door: everything that enters Windsock is read, archived, gated and landed here."""
