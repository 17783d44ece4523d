"""The only place where a decoder and an encoder differ.

`family` says what a family has to tell; `gpt` and `bert` tell it: which special tokens frame a
text, what a position may attend to, which position answers, and how the family is pretrained.
`body` is the network itself and knows neither: its attention mask is an argument.
"""
