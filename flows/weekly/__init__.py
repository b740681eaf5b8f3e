"""The only package that imports Prefect, which costs seconds: commands import it when they run."""
