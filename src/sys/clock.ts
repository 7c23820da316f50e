// Time.
import { native } from "./native.ts";

// linux/time.h
const CLOCK_MONOTONIC = 1;

/** Milliseconds of a clock that is never set; only differences mean something. */
export function monotonicMs(): number {
  return native.clock_gettime(CLOCK_MONOTONIC);
}

// linux/time.h
const CLOCK_REALTIME = 0;

/** Milliseconds since 1970, in UTC. */
export function epochMs(): number {
  return native.clock_gettime(CLOCK_REALTIME);
}

/**
 * A time since 1970 in UTC as text, to the millisecond: `2026-11-30T00:31:07.912Z` (RFC 3339). Days become
 * dates by counting years from 1 March, so that the day that may be missing is the last.
 */
export function utcText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86_400);
  // Days since 1 March 0000, in eras of 400 years.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  const year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0);
  const two = (value: number): string => String(value).padStart(2, "0");
  const ofDay = seconds - days * 86_400;
  const time = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60].map(two).join(":");
  const fraction = String(Math.floor(milliseconds) - seconds * 1000).padStart(3, "0");
  return `${year}-${two(((month + 2) % 12) + 1)}-${two(day)}T${time}.${fraction}Z`;
}

/** Waits for `milliseconds`. A signal may end the wait early. */
export function pause(milliseconds: number): void {
  native.usleep(Math.floor(milliseconds * 1000));
}
