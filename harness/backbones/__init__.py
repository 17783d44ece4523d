"""The only place where a decoder and an encoder differ.

`gpt` and `bert` say how each family reads: which special tokens frame a text, what a position
may attend to, which position answers, and how the family is pretrained. `body` is the network
itself and knows neither: its attention mask is an argument.
"""
