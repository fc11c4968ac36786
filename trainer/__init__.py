"""The training service: LSTM, GRU and Transformer in Keras, a registry of their versions, and the routes to both."""
