const TIME_SPAN = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/;

/**
 * Reads a .NET time span (`hh:mm`, `hh:mm:ss`, `d.hh:mm:ss.fff`) as milliseconds; undefined when the
 * text is none.
 */
export function parseTimeSpanMs(text: string): number | undefined {
  const match = TIME_SPAN.exec(text.trim());
  if (!match) return undefined;
  const [, sign, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = ""] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const wholeSeconds =
    ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  const totalMs = wholeSeconds * 1000 + Math.round(Number(`0.${fraction || "0"}`) * 1000);
  return sign ? -totalMs : totalMs;
}
