/** What one stream of `npm run bench:capture` is: one that comes at once, and one whose events come apart. */
export const QUICK_EVENTS = 200;
export const PACED_EVENTS = 40;
