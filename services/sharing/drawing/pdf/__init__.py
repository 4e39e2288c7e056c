"""Tagged PDF: pages, fonts and structure, written with reportlab."""
