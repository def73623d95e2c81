"""heliotrope keeps a model true while its data turns.

Importing it costs next to nothing: no scikit-learn, matplotlib, MLflow or pyarrow before they are used.
"""

__version__ = "0.1.0"
