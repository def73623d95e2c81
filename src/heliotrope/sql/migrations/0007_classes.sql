-- The classes of a model's window, and those met until a champion began to serve: its own window may hold fewer.

ALTER TABLE heliotrope.training ADD COLUMN classes text[];
ALTER TABLE heliotrope.champion ADD COLUMN classes text[];
