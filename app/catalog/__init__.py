"""What can be counted: assets with a fixed scale, and the metals behind them."""
