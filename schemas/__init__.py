"""The data that crosses a border of the system: what publishers send us, what we send, what we store for ever."""
