"""The three networks, as the bot's contract has them; a sigmoid at the end says how likely a rise is."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

DROPOUT, HEAD_DROPOUT = 0.2, 0.1
RECURRENT_UNITS = (64, 32, 16)
BLOCKS, HEADS, KEY, FEED_FORWARD, MODEL_WIDTH = 2, 4, 64, 128, 64
LAYER_NORM_EPSILON = 1e-6
RECURRENT = {"lstm": layers.LSTM, "gru": layers.GRU}
DRAWN = {"kernel": keras.initializers.GlorotUniform, "recurrent_kernel": keras.initializers.Orthogonal}  # Keras's own


@keras.saving.register_keras_serializable(package="tradeops")
class PositionalEncoding(layers.Layer):  # type: ignore[misc] # Keras comes without types
    """Adds to each step where it stands in time: sines and cosines of falling frequency (Vaswani et al., 2017)."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Compute the table once: it depends on the shape alone."""
        steps, width = int(input_shape[1] or 0), int(input_shape[2] or 0)
        position, pair = np.arange(steps)[:, None], np.arange(width)[None, :] // 2
        angle = position / 10_000 ** (2 * pair / width)
        table = np.where(np.arange(width) % 2 == 0, np.sin(angle), np.cos(angle))
        self.table = keras.ops.convert_to_tensor(table[None], dtype="float32")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - a tensor of whichever backend computes
        """The inputs with their place in time."""
        return inputs + self.table


def build_network(
    model_type: str, *, length: int, features: int, learning_rate: float, seed: int, counts_hits: bool = True
) -> keras.Model:
    """A fresh network, compiled.

    Args:
        model_type: `lstm`, `gru` or `transformer`.
        length: of a window.
        features: of each step.
        learning_rate: of Adam.
        seed: of the weights; each depends on nothing else but its place.
        counts_hits: measure accuracy in training too: false for soft labels, which are hardly ever met exactly.

    Raises:
        ValueError: an unknown type.
    """
    inputs = keras.Input((length, features))
    if model_type in RECURRENT:
        outputs = _recurrent(inputs, RECURRENT[model_type])
    elif model_type == "transformer":
        outputs = _transformer(inputs)
    else:
        raise ValueError(f"there is no network {model_type!r}")
    network = keras.Model(inputs, outputs, name=model_type)
    _draw_weights(network, seed)
    metrics = ["accuracy"] if counts_hits else []
    network.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=metrics)
    return network


def load_network(path: Path) -> keras.Model:
    """A network as it was saved, its optimizer included."""
    return keras.saving.load_model(path)


def _draw_weights(network: keras.Model, seed: int) -> None:
    """Anew: Keras takes its seeds from Python's global generator, from which any thread of the process may draw."""
    for place, weight in enumerate(network.trainable_weights):
        if (initializer := DRAWN.get(weight.name)) is not None:
            own = int(np.random.default_rng((seed, place)).integers(2**31))
            weight.assign(initializer(seed=own)(weight.shape))


def _recurrent(hidden: Any, kind: Any) -> Any:  # noqa: ANN401
    for units in RECURRENT_UNITS:
        hidden = kind(units, return_sequences=units != RECURRENT_UNITS[-1])(hidden)
        hidden = layers.BatchNormalization()(hidden)
        hidden = layers.Dropout(DROPOUT)(hidden)
    for units in (32, 16):
        hidden = layers.Dense(units, activation="relu")(hidden)
        hidden = layers.BatchNormalization()(hidden)
        hidden = layers.Dropout(HEAD_DROPOUT)(hidden)
    return layers.Dense(1, activation="sigmoid")(hidden)


def _transformer(inputs: Any) -> Any:  # noqa: ANN401
    hidden = PositionalEncoding()(layers.Dense(MODEL_WIDTH)(inputs))
    for _ in range(BLOCKS):
        attended = layers.MultiHeadAttention(HEADS, KEY, dropout=DROPOUT)(hidden, hidden)
        hidden = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)(hidden + layers.Dropout(DROPOUT)(attended))
        forward = layers.Dense(MODEL_WIDTH)(layers.Dense(FEED_FORWARD, activation="relu")(hidden))
        hidden = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)(hidden + layers.Dropout(DROPOUT)(forward))
    hidden = layers.GlobalAveragePooling1D()(hidden)  # over time: the features stay apart
    for units in (64, 32):
        hidden = layers.Dropout(HEAD_DROPOUT)(layers.Dense(units, activation="relu")(hidden))
    return layers.Dense(1, activation="sigmoid")(hidden)
