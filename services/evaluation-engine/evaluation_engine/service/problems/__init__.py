"""Problems that monitoring finds by itself."""
