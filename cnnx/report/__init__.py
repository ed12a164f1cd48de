"""From records to what people and programs read: tables, JSON. Renderers compute no figure."""
