import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { resultOf } from '../../support/run-cli.ts'
import { withWorld } from './collector.ts'
import { samplesIn } from './samples-in.ts'

const nowSeconds = () => Date.now() / 1_000

describe('cosell run --metrics-file', () => {
  test('the metrics of a run tell of its account, its stages and its end', () =>
    withWorld(async ({ home, run }) => {
      const file = path.join(home, 'node/cosell.prom')
      const end = await run(['run', '--json', '--metrics-file', file])
      expect(end.code, end.stderr).toBe(0)
      const { requests, rows_written, stages } = resultOf(end) as {
        requests: number
        rows_written: number
        stages: Record<string, number>
      }
      const text = await readFile(file, 'utf8')
      expect(await readdir(path.dirname(file)), 'no draft is left').toEqual(['cosell.prom'])
      const samples = samplesIn(text)
      const of = (name: string, labels = 'account="default"') => samples.get(`${name}{${labels}}`)
      const ofRun = (name: string) => of(`cosell_last_run_${name}`, 'account="default",mode="full"')
      expect(nowSeconds() - (of('cosell_last_success_timestamp_seconds') ?? 0)).toBeLessThan(60)
      expect(of('cosell_referrals')).toBe(60)
      expect(of('cosell_quarantined_versions')).toBe(0)
      expect(of('cosell_open_findings')).toBeGreaterThan(0)
      expect(of('cosell_sign_in_age_seconds')).toBeGreaterThanOrEqual(0)
      expect(ofRun('success')).toBe(1)
      expect(ofRun('requests')).toBe(requests)
      expect(ofRun('referrals_read')).toBe(60)
      expect(ofRun('rows_written')).toBeGreaterThan(60)
      expect(ofRun('rows_written')).toBeLessThanOrEqual(rows_written)
      for (const stage of ['extract', 'transform', 'publish']) {
        const seconds = of(
          'cosell_run_stage_duration_seconds',
          `account="default",stage="${stage}"`,
        )
        expect(Math.abs(1_000 * (seconds ?? 0) - (stages[`${stage}_ms`] ?? 0))).toBeLessThan(5)
      }
      expect(of('cosell_run_throttled_seconds')).toBe(0)
      expect(of('cosell_command_exit_code', 'command="run"')).toBe(0)
      const lag = of('cosell_watermark_lag_seconds') ?? 0
      const watermark = of('cosell_watermark_timestamp_seconds') ?? 0
      expect(Math.abs(nowSeconds() - lag - watermark)).toBeLessThan(60)
      const typed = [...text.matchAll(/^# TYPE (\w+) gauge$/gm)].map(([, name]) => name)
      const named = new Set([...samples.keys()].map((name) => name.replace(/\{.*/, '')))
      expect(new Set(typed)).toEqual(named)
    }))

  test('a run that fails writes its exit code, and what is known of the last success stays', () =>
    withWorld(async ({ home, run }) => {
      const file = path.join(home, 'cosell.prom')
      const load = (more = {}) => run(['run', '--metrics-file', file], more)
      const read = async () => samplesIn(await readFile(file, 'utf8'))
      const exitCode = 'cosell_command_exit_code{command="run"}'
      const success = 'cosell_last_success_timestamp_seconds{account="default"}'
      expect(await load({ COSELL_REFRESH_TOKEN: 'unknown' })).toMatchObject({ code: 77 })
      // A success that never was is no sample: 0 would be one in 1970.
      expect([...(await read()).keys()].filter((name) => name.includes('success'))).toEqual([])
      expect((await read()).get(exitCode)).toBe(77)
      expect(await load()).toMatchObject({ code: 0 })
      const before = await read()
      expect(before.get(exitCode)).toBe(0)
      const down = 'postgres://nobody@127.0.0.1:9/nowhere'
      expect(await load({ COSELL_DATABASE_URL: down })).toMatchObject({ code: 75 })
      const after = await read()
      expect(after.get(exitCode)).toBe(75)
      expect(after.get(success)).toBe(before.get(success))
      expect(after.get('cosell_referrals{account="default"}')).toBe(60)
    }))

  test('a metrics file that cannot be written leaves the outcome of a run as it is', () =>
    withWorld(async ({ home, run }) => {
      await writeFile(path.join(home, 'taken'), '')
      const end = await run(['run', '--metrics-file', path.join(home, 'taken/cosell.prom')])
      expect(end.code, end.stderr).toBe(0)
      expect(end.stderr).toContain('metrics file')
    }))

  test('cosell check --metrics prints the metrics of the accounts without a run', () =>
    withWorld(async ({ run, age, retire }) => {
      expect(await run(['run'])).toMatchObject({ code: 0 })
      await age(30)
      const end = await run(['check', '--metrics'])
      expect(end).toMatchObject({ code: 0, stderr: '' })
      const samples = samplesIn(end.stdout)
      const at = samples.get('cosell_last_success_timestamp_seconds{account="default"}') ?? 0
      expect(Math.round((nowSeconds() - at) / 3_600)).toBe(30)
      expect([...samples.keys()].filter((name) => name.startsWith('cosell_command'))).toEqual([])
      expect(await run(['check', '--metrics', '--json'])).toMatchObject({ code: 2 })
      await retire()
      const { stdout } = await run(['check', '--metrics'])
      expect(stdout).toContain('cosell_referrals{account="default"} 60')
      expect(stdout).not.toContain('cosell_last_success')
    }))
})
