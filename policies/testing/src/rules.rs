//! What every policy keeps, whatever it is shown.
