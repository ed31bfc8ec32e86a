"""Checks of the exercises in chapter 8, The LSTM in Gluon."""
