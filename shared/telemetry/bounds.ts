// Those that the conventions give.
export const DURATIONS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
export const LONG_DURATIONS = [...DURATIONS, 163.84, 327.68];
