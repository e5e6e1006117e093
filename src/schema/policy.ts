import { z } from 'zod';
import type { Policy } from '../domain/policy.js';
import { TICKET_PATTERN } from '../domain/tickets.js';
import { date, duration, name, positive, positiveDuration, schemaVersion, share, text, timeOfDay, weekday, zone } from './fields.js';

const calendar = z.strictObject({
  zone,
  days: z.array(weekday).min(1, { error: 'at least one day' }),
  from: timeOfDay,
  to: timeOfDay,
  holidays: z.array(date).default([]),
});

function isRegExp(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

/** `policy.yaml`. Every default is here and nowhere else; that of `tickets.pattern` stands beside its wording. */
export const PolicySchema = z
  .strictObject({
    schemaVersion,
    scan: z.strictObject({
      every: positiveDuration.prefault('1d'),
      at: timeOfDay.default('06:00'),
      zone: zone.default('UTC'),
      lookAhead: duration.prefault('48h'),
      /** The standing change that scheduled rotations run under; nobody can guess it. */
      ticket: text,
    }),
    window: z
      .strictObject({
        appStore: positiveDuration.prefault('7d'),
        development: positiveDuration.prefault('7d'),
        adHoc: positiveDuration.prefault('60d'),
        enterprise: positiveDuration.prefault('60d'),
      })
      .prefault({}),
    successor: z
      .strictObject({
        minLifeBeyondWindow: duration.prefault('14d'),
        /** How often the sources are looked at while a successor is missing; people are asked every `askEvery`. */
        lookEvery: positiveDuration.prefault('5m'),
        askEvery: positiveDuration.prefault('1d'),
        pageWhenLeft: z.array(duration).prefault(['5d', '3d', '2d', '1d']),
      })
      .prefault({}),
    specifiers: z.enum(['uuid-only', 'warn']).default('uuid-only'),
    wipeable: z.array(text).default([]),
    cohorts: z
      .strictObject({
        canary: z.strictObject({ perImage: z.int().min(0).default(1), share: share.prefault('5%') }).prefault({}),
        waves: z.array(share).min(1, { error: 'at least one wave' }).prefault(['10%', '30%', '60%']),
        maxUnavailable: share.prefault('2%'),
        stallTimeout: positiveDuration.prefault('30m'),
      })
      .prefault({}),
    probe: z
      .strictObject({
        passes: positive.default(3),
        interval: duration.prefault('10s'),
        checkTimeout: positiveDuration.prefault('60s'),
        inconclusiveFor: positiveDuration.prefault('5m'),
      })
      .prefault({}),
    soak: z
      .strictObject({ duration: duration.prefault('24h'), interval: positiveDuration.prefault('15m'), floor: duration.prefault('1h') })
      .prefault({}),
    gate: z
      .strictObject({
        approvals: positive.default(2),
        timeout: positiveDuration.prefault('24h'),
        calendar: z
          .union([name, z.null()], { error: 'the name of a calendar, or none' })
          .default('office')
          .transform((calendarName) => (calendarName === 'none' ? null : calendarName))
          .meta({ description: 'Name of a calendar; none (or null): the clock of the gate never stops.' }),
        remindEvery: positiveDuration.prefault('4h'),
        widenAfter: duration.prefault('8h'),
        approvalValid: positiveDuration.prefault('72h'),
      })
      .prefault({}),
    retirement: z
      .strictObject({
        secondGate: z.boolean().default(false),
        maxBuildDuration: duration.prefault('4h'),
        overduePinPageEvery: positiveDuration.prefault('4h'),
      })
      .prefault({}),
    rollback: z
      .strictObject({
        headTime: duration.prefault('30s'),
        nodeTime: duration.prefault('2m'),
        safetyMargin: duration.prefault('24h'),
        minLifeAfterRollback: duration.prefault('72h'),
      })
      .prefault({}),
    escalation: z.strictObject({ pageEvery: positiveDuration.prefault('30m') }).prefault({}),
    emergency: z.strictObject({ approvals: positive.default(2), canary: positive.default(1), wave: share.prefault('100%') }).prefault({}),
    clock: z.strictObject({ maxSkew: positiveDuration.prefault('60s') }).prefault({}),
    limits: z
      .strictObject({
        stepNodes: positive.max(100, { error: 'at most 100: one workflow step holds no more' }).default(100),
        activitiesPerSecond: positive.default(100),
        nodeOperationTimeout: positiveDuration.prefault('5m'),
        nodeOfflineAfter: positiveDuration.prefault('2m'),
      })
      .prefault({}),
    /** Seats of signers: who holds one, and for how long. */
    seats: z
      .strictObject({
        lease: positiveDuration.prefault('1h'),
        longest: positiveDuration.prefault('4h'),
        /** Whoever is silent for longer loses the seat, or the place in the queue. */
        heartbeat: positiveDuration.prefault('2m'),
        longestWait: positiveDuration.prefault('4h'),
        /** How far ahead seats can be booked. */
        bookAhead: positiveDuration.prefault('30d'),
        /** A booking that nobody has claimed for so long after its beginning is over. */
        bookingGrace: positiveDuration.prefault('15m'),
        /** How long a rotation waits for the seat of a signer that it is to switch. */
        rotationWait: duration.prefault('20m'),
        /** How long a switch back waits before it goes on without the seat. */
        rollbackWait: duration.prefault('15s'),
      })
      .prefault({}),
    claims: z
      .strictObject({
        /** How long a job has to sign what it has claimed; then the next one may. */
        lease: positiveDuration.prefault('30m'),
        longest: positiveDuration.prefault('4h'),
      })
      .prefault({}),
    /** Nodes that were away during a rotation, that are new, or that were imaged anew. */
    returning: z
      .strictObject({
        mode: z
          .enum(['converge', 'ask'])
          .default('converge')
          .meta({ description: 'converge: such a node is brought to what is in force by itself; ask: people are told the command.' }),
        /** How often is looked whether one of them answers again. */
        every: positiveDuration.prefault('5m'),
      })
      .prefault({}),
    /** Signing identities that are taken out of a keychain, sealed to a receiver of the roster. */
    exports: z
      .strictObject({
        approvals: z.int({ error: 'a whole number from 2' }).min(2, { error: 'a whole number from 2' }).default(2),
        /** What is not approved by then has expired. */
        approveWithin: positiveDuration.prefault('24h'),
        /** How long after it was sealed it may be fetched, where the request does not say so. */
        fetchWithin: positiveDuration.prefault('24h'),
        /** The longest that a request may say. */
        longest: positiveDuration.prefault('7d'),
      })
      .prefault({}),
    tickets: z.strictObject({ pattern: text.refine(isRegExp, { error: 'a regular expression' }).default(TICKET_PATTERN) }).prefault({}),
    calendars: z
      .record(name, calendar)
      .default({ office: { zone: 'Europe/Berlin', days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '19:00', holidays: [] } }),
    /** Persons or roles. Nobody can be guessed: without an audience, questions are shown and not sent. */
    audience: z
      .strictObject({ owner: z.array(name).default([]), widened: z.array(name).default([]), page: z.array(name).default([]) })
      .prefault({}),
  })
  .transform((policy): Policy => policy);
