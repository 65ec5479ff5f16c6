/** How the answers of `npm run bench:capture` come: streams event by event, at once, or with time in between; and JSON. */
export const SHAPES = ["single", "quick", "paced", "whole"] as const;
export type Shape = (typeof SHAPES)[number];

/** How many events each has besides its ending. */
export const EVENTS: Record<Shape, number> = { quick: 200, single: 200, paced: 40, whole: 1 };
