"""Pure functions on arrays and datasets: scores, seasonality, aggregation. They stand on nothing else of hdlcore."""
