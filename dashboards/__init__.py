"""Streamlit pages on published snapshots."""
