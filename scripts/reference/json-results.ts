import { code, page, table } from './markdown.ts'

/** Result that one or several commands print as one line with `--json`. */
export interface JsonResult {
  readonly title: string
  readonly intro: string
  /** Meaning by path; `[]` stands for each element of a list. */
  readonly keys: Readonly<Record<string, string>>
}

const runSummary: JsonResult = {
  title: 'run, rebuild, backfill, quarantine retry',
  intro: 'The summary of what was published; with several accounts or windows, their sum.',
  keys: {
    status: '`published`, `partly` when some accounts failed, `failed` when all did',
    exit_code: 'exit code; like the next two only when an account failed',
    code: 'error code of the gravest failure',
    message: 'its message',
    'accounts[].account': 'name of the account, also of one that failed',
    'accounts[].status': '`published` or `failed`',
    'accounts[].exit_code': 'the code that the account alone would have ended with',
    'accounts[].code': 'error code; null when it published',
    'accounts[].message': 'message of the failure; null when it published',
    'accounts[].run_ids[]': 'keys of `etl.run`, also of runs that failed',
    'accounts[].seen': 'referrals that its published runs read, or replayed',
    'accounts[].changed': 'referrals with a new version; in a replay, with another row',
    'accounts[].quarantined': 'referrals that could not be loaded',
    'accounts[].requests': 'requests to the API, of failed runs too',
    'accounts[].duration_ms': 'milliseconds from its begin to its end',
    warehouse: 'host, port and database, or the folder of the embedded server',
    'run_ids[]': 'keys of `etl.run`, one an account or window',
    seen: 'referrals that were read, or replayed',
    changed: 'referrals with a new version; in a replay, with another row',
    unchanged: 'referrals that were read as they were landed',
    quarantined: 'referrals that could not be loaded',
    missing: 'referrals that became missing',
    requests: 'requests to the API; they, throttling and times are of failed runs too',
    throttled: 'answers 429 of the API',
    throttled_ms: 'milliseconds by which these made all requests wait',
    rows_written: 'rows inserted, updated or deleted in `raw`, `pii` and `dw`',
    duration_ms: 'sum of the stages',
    'stages.extract_ms': 'milliseconds of reading and landing',
    'stages.transform_ms': 'milliseconds of transforming and staging',
    'stages.publish_ms': 'milliseconds of publishing and checks',
    'reconciliation.fetched': 'versions that the run accounts for, each once',
    'reconciliation.inserted': 'referrals that the warehouse did not have',
    'reconciliation.updated':
      'referrals of which it had an earlier version; in a replay, another row',
    'reconciliation.unchanged': 'referrals that were read as they were landed',
    'reconciliation.superseded': 'versions with a later one of the same referral in the run',
    'reconciliation.quarantined': 'referrals whose newest version could not be loaded',
    'reconciliation.waiting': 'referrals of which imported files show a part alone',
    'reconciliation.rows_read':
      'rows of pages or files and answers by id; in a replay, landed versions',
    'reconciliation.duplicates': 'rows that repeat another row of the run',
    'reconciliation.carried_over': 'versions landed by earlier runs that were not published then',
  },
}

const enqueue: JsonResult = {
  title: 'enqueue',
  intro: 'Which accounts got a job, and which had one already. With `--prepare` the status alone.',
  keys: {
    status: '`enqueued`, or `prepared`',
    kind: '`run`, or `backfill`',
    enqueued: 'accounts that got a job',
    present: 'accounts that had one already',
    'accounts[].account': 'name of the account',
    'accounts[].status': '`enqueued`, or `present` where a job waits, runs or is tried again later',
    'accounts[].job': 'id of the new job; null where there is none',
    warehouse: 'host, port and database, or the folder of the embedded server',
  },
}

const worker: JsonResult = {
  title: 'worker',
  intro: 'A line for each job that ended: the summary of its account, and what becomes of the job.',
  keys: {
    job: 'id of the job, as `enqueue` printed it',
    kind: '`run`, or `backfill`',
    account: 'name of the account',
    tries: 'number of this try',
    next: '`none` when it is done, `again` when it is tried again, `given_up` when it needs a person',
    retry_seconds: 'seconds until it is tried again; null when it is not',
    ...runSummary.keys,
  },
}

const difference: JsonResult = {
  title: 'rebuild --diff, quarantine retry --diff',
  intro:
    'What a rebuild or a retry would change, account by account. Amounts are exact decimal text; of ' +
    'referrals at most ten ids are told.',
  keys: {
    status: '`same`, or `different` where the command ends with 1',
    warehouse: 'host, port and database, or the folder of the embedded server',
    'accounts[].account': 'name of the account',
    'accounts[].seen': 'referrals that were replayed',
    'accounts[].quarantined': 'those of them that could not be loaded',
    'accounts[].quarantine.added': 'referrals that would come into quarantine',
    'accounts[].quarantine.removed': 'referrals that would leave it',
    'accounts[].quarantine.referrals[]': 'ids of both',
    'accounts[].tables[].table': 'table of `dw` or `pii` that would be written',
    'accounts[].tables[].inserted': 'its rows that would be new',
    'accounts[].tables[].updated': 'its rows that would change',
    'accounts[].tables[].deleted': 'its rows that would go',
    'accounts[].marts[].mart': 'mart that would differ',
    'accounts[].marts[].added': 'its rows that would be new',
    'accounts[].marts[].removed': 'its rows that would go',
    'accounts[].marts[].changed': 'its rows that would stay with another value',
    'accounts[].marts[].referrals[]': 'ids of referrals with a row that comes or goes',
    'accounts[].marts[].columns[].column': 'column with another value or sum',
    'accounts[].marts[].columns[].rows': 'rows that would stay with another value in it',
    'accounts[].marts[].columns[].referrals[]': 'ids of their referrals',
    'accounts[].marts[].columns[].amounts[].currency':
      'currency of an amount whose sum would differ; null for the reporting currency',
    'accounts[].marts[].columns[].amounts[].before':
      'its sum over the rows that differ, come or go, as it is; null for none',
    'accounts[].marts[].columns[].amounts[].after': 'the same sum after the replay',
  },
}

const imported: JsonResult = {
  title: 'import',
  intro: 'What each file was taken for, what could not be read, and the summary as above.',
  keys: {
    'files[].file': 'path of the file, or its place in an archive',
    'files[].layout':
      '`cosell_2023`, `cosell_2021`, `registrations`, `insights_cosell` or `insights_leads`',
    'files[].title': 'the layout in words',
    'files[].encoding': 'encoding of the file',
    'files[].separator': 'separator of its cells',
    'files[].rows': 'rows with a value',
    'files[].new_rows': 'rows that were not landed before',
    'files[].quarantined_rows': 'rows that cannot be loaded',
    'files[].bad_cells': 'cells that their rows were loaded without',
    rows: 'sum of the files',
    new_rows: 'sum of the files',
    quarantined_rows: 'sum of the files',
    bad_cells: 'sum of the files',
    waiting: 'referrals of which a part alone is known, such as a registration',
    ...runSummary.keys,
  },
}

const demo: JsonResult = {
  title: 'demo',
  intro:
    'The summary as above, and the way in for BI tools; with `--from-csv` the keys of `import` too.',
  keys: {
    ...runSummary.keys,
    bi_url:
      'connection string of a login that reads `dw` and `mart`; without user on your own server',
  },
}

const backfillPlan: JsonResult = {
  title: 'backfill --plan',
  intro: 'The windows that a backfill would read.',
  keys: {
    status: '`planned`',
    'accounts[].account': 'name of the account',
    'accounts[].strategy': 'filter of the windows: `created`, `updated` or `everything`',
    'accounts[].explanation': 'the filter that is used and why, in one sentence',
    'accounts[].is_again': 'whether all windows were finished before and are read again',
    'accounts[].basis': 'source of the numbers: `counted by the API` or `known so far`',
    'accounts[].windows[].from': 'first day of the window',
    'accounts[].windows[].to': 'first day after the window',
    'accounts[].windows[].state': '`new`, `unfinished` or `done`',
    'accounts[].windows[].referrals': 'referrals in the window',
    'accounts[].windows[].calls': 'requests that are left; 0 for a finished window',
    'accounts[].referrals': 'sum of the windows',
    'accounts[].calls': 'sum of the windows',
    'accounts[].requests_per_minute': 'rate that the estimate assumes',
    'accounts[].seconds': 'estimated time',
  },
}

const check: JsonResult = {
  title: 'check',
  intro: 'Whether every account was published lately enough.',
  keys: {
    status: '`fresh`, or `stale` where the command ends with 1',
    message: 'the sentence that is printed without `--json`',
    max_age_hours: 'the limit of `--max-age`',
    'accounts[].account': 'name of the account, of the warehouse or of the settings',
    'accounts[].last_published_at':
      'end of the last published run or import; null before the first',
    'accounts[].age_hours': 'hours since then; null likewise',
    'accounts[].is_stale': 'whether that is the limit or more, or never was',
  },
}

const status: JsonResult = {
  title: 'status',
  intro: 'Freshness, the last five runs and open work of each account.',
  keys: {
    status: '`ok`',
    'accounts[].account': 'name of the account',
    'accounts[].is_active': 'whether the account is still extracted; `dw.dim_partner_account`',
    'accounts[].watermark': 'instant up to which changes were read; null before the first run',
    'accounts[].last_published_at': 'end of the last published run; null before the first',
    'accounts[].age_hours': 'hours since then',
    'accounts[].referrals': 'referrals in the warehouse',
    'accounts[].open_findings': 'findings of the [rules](findings.md)',
    'accounts[].open_quarantine': 'versions in quarantine',
    'accounts[].signed_in_at': 'when a person signed in; null when not known',
    'accounts[].sign_in_renewed_at': 'when the sign-in was renewed last',
    'accounts[].sign_in_idle_days': 'days since then',
    'accounts[].sign_in_warning': 'what to do about the sign-in; null for nothing',
    'accounts[].failed_run_id':
      'key of the latest run, if it failed; null once a later one has published',
    'accounts[].failure_message': 'its message; null likewise',
    'accounts[].runs[].run_id': 'key of `etl.run`',
    'accounts[].runs[].run_mode': '`incremental`, `full`, `backfill`, `import` or `rebuild`',
    'accounts[].runs[].run_status': '`running`, `extracted`, `published`, `failed` or `abandoned`',
    'accounts[].runs[].started_at': 'start of the run',
    'accounts[].runs[].finished_at': 'end of the run; null while it runs',
    'accounts[].runs[].referral_seen_count': 'referrals that were read',
    'accounts[].runs[].referral_changed_count': 'referrals with a new version',
    'accounts[].runs[].referral_quarantined_count': 'referrals that could not be loaded',
    'accounts[].runs[].error_message': 'message of a failed run',
  },
}

const accountList: JsonResult = {
  title: 'account list',
  intro: 'The accounts of the warehouse and their sources.',
  keys: {
    status: '`ok`',
    'accounts[].account': 'name of the account',
    'accounts[].tenant_id': 'Entra tenant, in lower case; null when nothing names it',
    'accounts[].organization_id': 'organisation of the referrals; null when none names it',
    'accounts[].api_url': 'address of the API; null until a run records it',
    'accounts[].referrals': 'referrals in the warehouse',
    'accounts[].last_published_at': 'end of the last published run; null before the first',
    'accounts[].is_active': 'whether the account is still extracted; `dw.dim_partner_account`',
    'accounts[].is_configured': 'whether it is among the accounts in force',
    'accounts[].stored':
      'what `etl.account` has of it: `is_enabled`, `settings` by column and `secrets`, as after `account add`; null where it is not stored',
  },
}

const accountRename: JsonResult = {
  title: 'account rename',
  intro: 'The account under its new name.',
  keys: {
    status: '`renamed`',
    account: 'the new name',
    previous_name: 'the name until now',
    sign_in: '`moved`, `none`, or `kept` when the new name had a stored sign-in',
    is_setting_stale: 'whether the settings in force still have the previous name',
    is_stored: 'whether `etl.account` has the account, and now its new name',
  },
}

const accountKept: JsonResult = {
  title: 'account add, change, disable and enable',
  intro: 'The account as it is stored. No secret is among the keys.',
  keys: {
    status: '`added`, `changed`, `disabled` or `enabled`',
    account: 'name of the account',
    is_enabled: 'whether runs load it',
    settings: 'its settings by column of `etl.account`; null for an unset one',
    secrets:
      'where `client_secret`, `refresh_token` and `access_token` are, null for none: `env:` with the variable, `file:` with the path, `command:` with the name of the program and the number of its arguments, which may hold secrets',
  },
}

const forget: JsonResult = {
  title: 'forget',
  intro: 'What was removed of an account.',
  keys: {
    status: '`forgotten`',
    account: 'name of the removed account',
    rows: 'deleted rows by table; tables without any are left out',
    rows_deleted: 'their sum',
    invented_rates_deleted: 'exchange rates of the demo that were deleted; 0 for other accounts',
    is_sign_in_removed: 'whether a stored sign-in was removed',
    is_configured: 'whether the settings in force still name the account, so a run loads it again',
    are_shared_values_kept:
      'whether undocumented values in shared tables stay, since another account was being loaded',
  },
}

const erased: JsonResult = {
  title: 'erase',
  intro: 'What was erased of a person, or of the people of a referral, in all accounts.',
  keys: {
    status: '`erased`',
    referrals: 'referrals whose landed versions named them',
    rows: 'changed and deleted rows by table; tables without any are left out',
    rows_erased: 'their sum',
    hashes: 'keyed hashes in the register by which later loads leave them out',
  },
}

const daysKept = {
  'days_kept.versions': 'days that superseded landed versions are kept; null: for ever',
  'days_kept.runs': 'days that finished runs are kept; null: for ever',
  'days_kept.contacts': 'days that contacts and notes of closed referrals are kept; null: for ever',
  referrals: 'closed referrals with contacts or notes that are too old',
  versions_kept: 'superseded versions that are old enough and stay, since history is made of them',
}

const purgePlan: JsonResult = {
  title: 'purge --plan',
  intro: 'What a purge would delete and change, in all accounts.',
  keys: {
    status: '`planned`',
    ...daysKept,
    rows: 'rows to delete and change by table; tables without any are left out',
    rows_to_purge: 'their sum',
  },
}

const purged: JsonResult = {
  title: 'purge',
  intro: 'What was deleted and changed, in all accounts.',
  keys: {
    status: '`purged`',
    ...daysKept,
    rows: 'deleted and changed rows by table; tables without any are left out',
    rows_purged: 'their sum',
    bytes_purged: 'size of the JSON of deleted versions, as it was stored',
  },
}

const doctor: JsonResult = {
  title: 'doctor',
  intro: 'The settings in force and the outcome of every check.',
  keys: {
    status: '`ok`, `warned` or `failed`, whichever check is worst',
    settings: 'value by variable; of a secret, `set` or `not set`',
    'checks[].check': 'name of the check',
    'checks[].account': 'account of the check; absent for the database and the folder',
    'checks[].status': '`ok`, `warn`, `fail` or `skipped`',
    'checks[].detail': 'what was found',
    'checks[].remedy': 'what to change; absent for nothing',
    'checks[].kind': 'kind of [exit code](exit-codes.md) a run would end with; for failed checks',
  },
}

const entry = {
  status: '`ok`',
  'entries[].account': 'name of the account',
  'entries[].resource_type': '`referral`, or `csv_row` for a row of an imported file',
  'entries[].referral_id': 'id of the referral; of a row without one a name of ours',
  'entries[].version_no': 'landed version',
  'entries[].reason_code': '[reason](findings.md#quarantine)',
  'entries[].item_path': 'path of the invalid property in the payload',
  'entries[].detail': 'expected and found types or limits, never a value',
  'entries[].attempts': 'times that loading was tried',
  'entries[].first_run_id': 'run that quarantined it',
  'entries[].last_run_id': 'run that tried it last',
  'entries[].resolved_run_id': 'run after which the referral loaded; null while it is held',
}

const quarantineList: JsonResult = {
  title: 'quarantine list',
  intro: 'The versions in quarantine.',
  keys: entry,
}

const quarantineShow: JsonResult = {
  title: 'quarantine show',
  intro: 'Every version of one referral that is or was in quarantine.',
  keys: {
    ...entry,
    'entries[].excerpt.parent_path': 'path of the object that holds the property',
    'entries[].excerpt.parent': 'type by property of that object',
    'entries[].excerpt.value': 'the value, where it is plain and cannot be of a person; else null',
  },
}

const fx: JsonResult = {
  title: 'fx',
  intro: 'The rates that were loaded.',
  keys: {
    status: '`loaded`',
    source: 'layout of the file: `ECB` or `manual`',
    reporting_currency: 'currency that amounts are converted into',
    rates: 'rates in the file',
    currencies: 'currencies in the file',
    from: 'first day of a rate',
    to: 'last day of a rate',
    days: 'days from the first to the last',
    days_covered: 'days among them that have a rate, of their own or carried',
    days_carried: 'days for which a rate is used until the next one, at most',
    quotes_written: 'rows of `etl.fx_quote` that are new or differ',
    rows_written: 'rows of `dw.fx_rate` that are new, differ or went',
    missing_rate_findings: 'findings `missing_fx_rate` that are left, of all accounts',
    warehouse: 'host, port and database, or the folder of the embedded server',
  },
}

const login: JsonResult = {
  title: 'login',
  intro: 'The sign-in that was kept.',
  keys: {
    status: '`signed_in`',
    account: 'name of the account',
    token_file: 'file that keeps the sign-in; null where the warehouse keeps it',
    sees_referrals: 'whether the user is shown any referral',
    'notes[]': 'advice to the person',
  },
}

const migrate: JsonResult = {
  title: 'migrate',
  intro: 'The changes to the schema.',
  keys: {
    status: '`migrated`',
    'applied[]': 'migrations that were applied now',
    'views[]': 'views that were created anew',
    'sequences[]': 'tables whose sequence was behind their largest key, and is set',
    row_level_security: '`on` or `off`',
    'statements[]': 'statements for an administrator, which this user may not run',
  },
}

const open: JsonResult = {
  title: 'open',
  intro: 'One line as soon as the page is served; the command goes on until it is interrupted.',
  keys: {
    status: '`running`',
    url: 'address of the page, with its token: whoever has it on this machine reads what the page shows',
    browser_opened: 'a browser was started with it',
  },
}

const report: JsonResult = {
  title: 'report',
  intro: 'The page that was written.',
  keys: { status: '`written`', file: 'path of the page', bytes: 'its size' },
}

const exported: JsonResult = {
  title: 'export',
  intro: 'The files that were written. Rows, sums and hashes of each are in the manifest.',
  keys: {
    status: '`written`',
    folder: 'folder of the files',
    manifest: 'name of the manifest in the folder',
    'files[]': 'name of a file in the folder',
    rows: 'rows of all files',
  },
}

const explained: JsonResult = {
  title: 'explain',
  intro:
    'How the amounts of a referral came about. Amounts are exact decimal text; the lists in it have what ' +
    'the text shows.',
  keys: {
    status: '`ok`',
    'explanation.account': 'name of the account',
    'explanation.referral_id': 'id of the referral',
    'explanation.referral_key': 'its key in the star',
    'explanation.status': 'status and substatus',
    'explanation.reporting_currency': 'currency that amounts are converted into',
    'explanation.notes[]': 'sentences on what to know first, such as a version in quarantine',
    'explanation.versions[]': 'landed versions: number, kind, when seen, run, role',
    'explanation.values[]':
      'received values by `path`, which has registration_no and line_no; `since`, the version that first showed each; `not_shown`, why one is left out',
    'explanation.deal': 'value of the deal, and its conversion with rate and day',
    'explanation.registrations[]':
      'period, amounts with formula and rounding, conversion, and lines with their contract years',
    'explanation.findings[]': 'open findings of the referral, with meaning and remedy',
    'explanation.comparison.rows': 'rows that were compared',
    'explanation.comparison.values': 'values that were compared',
    'explanation.comparison.differences[]':
      'where the warehouse differs: table, row, column, expected, warehouse, and a sentence',
    'explanation.people': 'contacts and notes; with `--people` alone',
  },
}

const findings: JsonResult = {
  title: 'findings',
  intro: 'The open findings by rule.',
  keys: {
    status: '`ok`',
    'rules[].rule_code': 'the [rule](findings.md)',
    'rules[].severity': '`warn` or `info`',
    'rules[].meaning': 'what it means',
    'rules[].remedy': 'what to do about it',
    'rules[].findings': 'open findings',
    'rules[].referrals': 'referrals that have one',
    'rules[].shown[].account': 'name of the account; the first three findings, with `--rule` all',
    'rules[].shown[].referral_id': 'id of the referral; empty for the account as a whole',
    'rules[].shown[].item_ref': 'property, or column of a file',
    'rules[].shown[].detail': 'what was expected',
    'rules[].shown[].observed_value': 'what was found; null where it is what people typed',
    'rules[].shown[].first_seen_at': 'start of the run that reported it first',
  },
}

const answer: JsonResult = {
  title: 'sql',
  intro: 'The rows of the statement.',
  keys: {
    status: '`ok`',
    'columns[].name': 'name of the column',
    'columns[].type': 'its type in PostgreSQL',
    'rows[]':
      'value by column; amounts and numbers of more than 15 digits are text, instants ISO text in UTC',
    cut_by: '`rows` or `bytes`, the limit that left rows out; null when all are there',
  },
}

const docs: JsonResult = {
  title: 'docs',
  intro: 'The files that were written.',
  keys: {
    status: '`written`',
    folder: 'folder of the files',
    'files[]': 'path of a file in the folder',
  },
}

const warehouse: JsonResult = {
  title: 'warehouse',
  intro:
    'Printed once connections are accepted. With `--stop`, `status` and `folder` alone; with `--dump` ' +
    'and `--restore`, `status`, `file`, `tables` and `rows`.',
  keys: {
    status:
      '`running`; with `--stop`, `stopped` or `not running`; with `--dump`, `dumped`; with `--restore`, ' +
      '`restored`',
    url: 'connection string of a login that reads `dw` and `mart`',
    version: 'version of PostgreSQL',
    folder: 'with `--stop`: folder of the data; null where there are none',
    file: 'the dump that was written or read',
    tables: 'number of its tables',
    rows: 'number of its rows',
  },
}

const sandbox: JsonResult = {
  title: 'sandbox',
  intro:
    'Printed once requests are accepted. With `--write-csv`, the last two keys in place of `url`.',
  keys: {
    status: '`running`; with `--write-csv`, `written`',
    url: 'address of the simulated API',
    folder: 'folder of the files',
    'files[]': 'each file: `path` below the folder, `layout`, and `rows` without the header',
  },
}

const failure: JsonResult = {
  title: 'Any command that fails',
  intro:
    'Printed in place of the result. Of a load whose accounts failed it is the summary above, which ' +
    'tells of the others too. `cosell run` sends `code` and `exitCode` to COSELL_PING_URL, and as ' +
    'numbers `accounts` and `accounts_failed`.',
  keys: {
    status: '`failed`',
    code: '[error code](error-codes.md)',
    message: 'what happened and what to do',
    exit_code: '[exit code](exit-codes.md)',
  },
}

export const jsonResults = {
  runSummary,
  enqueue,
  worker,
  difference,
  imported,
  demo,
  backfillPlan,
  fx,
  login,
  doctor,
  check,
  status,
  accountList,
  accountRename,
  accountKept,
  forget,
  erased,
  purgePlan,
  purged,
  quarantineList,
  quarantineShow,
  open,
  report,
  exported,
  explained,
  findings,
  answer,
  docs,
  migrate,
  warehouse,
  sandbox,
  failure,
}

export function jsonPage(): string {
  return page('Results as JSON', 'For scripts and monitors that read the result of a command.', [
    'With `--json` the last line of standard output is one JSON object. Text for people and the log ' +
      'go to standard error. Keys stay as they are from version to version; new ones may come. ' +
      'Every result has `log_lines_lost`, the number of log lines that could not be written, when there ' +
      'are any.',
    ...Object.values(jsonResults).flatMap(({ title, intro, keys }) => [
      `## ${title}`,
      intro,
      table(
        ['Key', 'Meaning'],
        Object.entries(keys).map(([path, meaning]) => [code(path), meaning]),
      ),
    ]),
  ])
}
