const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

/** A whole number for a table's cell. */
export const countCell = (count: number): string => grouped.format(count);

/** Money, or another number of which hundredths count. */
export const moneyCell = (amount: number): string => precise.format(amount);

/** A share as a percentage. */
export const shareCell = (share: number | null): string =>
  share === null ? "-" : `${(share * 100).toFixed(1)} %`;
