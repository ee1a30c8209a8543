import type { FailureKind } from './exit-codes.ts'

/** One error code as docs/reference/error-codes.md lists it. */
export interface ErrorEntry {
  /** Decides the exit code. */
  readonly kind: FailureKind
  /** The cause, for a person who watches the runs. */
  readonly meaning: string
  readonly remedy: string
}

const report = 'Report it with the whole message; it is a fault of cosell.'
const runAgain = 'Nothing is lost. Start the run again later.'
const signInAgain =
  'Let the Referrals admin run `cosell login`, or put a new refresh token into COSELL_REFRESH_TOKEN.'

/** Every fixed code of a CosellError. Monitors match on them, so one that was released stays. */
export const errorCodes = {
  'access.no_row': {
    kind: 'bug',
    meaning: 'The catalog query for rights returned no row.',
    remedy: report,
  },
  'account.demo': {
    kind: 'configuration',
    meaning:
      'The warehouse holds the demo, whose invented referrals a load would mix with real ones.',
    remedy: 'Run `cosell forget --account demo`, or use another warehouse.',
  },
  'account.exists': {
    kind: 'usage',
    meaning: 'The new name of an account is in use.',
    remedy: 'Run `cosell account list` for the names in use, and give another one.',
  },
  'account.gone': {
    kind: 'tryAgainLater',
    meaning: 'The account was removed by `cosell forget` while the run waited for it.',
    remedy: 'Start the run again to load the account anew.',
  },
  'account.name': {
    kind: 'usage',
    meaning: 'The new name of an account is not one that COSELL_ACCOUNT accepts.',
    remedy: 'Give up to 63 letters, digits, ".", "_" or "-".',
  },
  'account.none_enabled': {
    kind: 'configuration',
    meaning:
      'Every account that the warehouse has stored is disabled, so there is nothing to load.',
    remedy: 'Run `cosell account enable`, or take the job out of the schedule.',
  },
  'account.not_configured': {
    kind: 'usage',
    meaning: 'An account that --account names is not among those that are loaded.',
    remedy: 'Give names that the message lists.',
  },
  'account.not_owner': {
    kind: 'configuration',
    meaning: 'The login may not change the accounts that the warehouse has stored.',
    remedy: 'Let a member of cosell_owner run the command.',
  },
  'account.not_stored': {
    kind: 'usage',
    meaning: 'The warehouse has stored no account of the given name.',
    remedy: 'Give one of the names that the message lists, or run `cosell account add`.',
  },
  'account.other_tenant': {
    kind: 'configuration',
    meaning: 'The settings sign in to another tenant than the account was loaded from.',
    remedy: 'Set COSELL_TENANT_ID back, or give the other tenant an account name of its own.',
  },
  'account.same_source': {
    kind: 'configuration',
    meaning: 'Another account holds the same referrals already, and figures would count twice.',
    remedy: 'Set COSELL_ACCOUNT to the name in the message, or run `cosell account rename`.',
  },
  'account.settings': {
    kind: 'usage',
    meaning: 'Settings of an account to store are not accepted, or name the source of another one.',
    remedy: 'Correct each line of the message; a secret is given as the place where it is.',
  },
  'account.two_places': {
    kind: 'configuration',
    meaning: 'Accounts are given by the settings and stored in the warehouse as well.',
    remedy: 'Unset the settings that the message names, or disable the stored accounts.',
  },
  'account.unknown': {
    kind: 'usage',
    meaning: 'The warehouse holds no account of the given name.',
    remedy: 'Give one of the names that the message lists.',
  },
  'account.usage': {
    kind: 'usage',
    meaning: 'The arguments of `cosell account` do not fit the action.',
    remedy: 'Do what the message says; commands.md has examples.',
  },
  'api.closed': {
    kind: 'interrupted',
    meaning: 'The connection to the API was closed while requests waited, because the run stopped.',
    remedy: 'Look for the reason that was logged before. Start the run again.',
  },
  'api.list_not_found': {
    kind: 'configuration',
    meaning: 'The API has no list of referrals at the configured address.',
    remedy: 'Set COSELL_API_URL to the host alone, such as https://api.partner.microsoft.com.',
  },
  'api.no_id': {
    kind: 'bug',
    meaning: 'A referral was requested with an empty or unusable id.',
    remedy: report,
  },
  'api.redirect': {
    kind: 'sourceBroken',
    meaning: 'The API answered with a redirect, which is not followed.',
    remedy: 'Check what COSELL_API_URL points to.',
  },
  'api.throttled': {
    kind: 'tryAgainLater',
    meaning: 'The API still answered 429 or 509 after the last try.',
    remedy: `${runAgain} If it comes back, lower COSELL_REQUESTS_PER_MINUTE.`,
  },
  'api.tls': {
    kind: 'configuration',
    meaning: 'The certificate of the server was not accepted, or what answers there is not TLS.',
    remedy:
      'Check the address. Where a proxy opens TLS, give Node.js its root certificate: network.md.',
  },
  'api.unavailable': {
    kind: 'tryAgainLater',
    meaning:
      'The server answered with an error or, where it answered well before, with something that is not JSON, until the last try.',
    remedy: runAgain,
  },
  'api.unreachable': {
    kind: 'tryAgainLater',
    meaning: 'No connection to the server could be made, or it broke on every try.',
    remedy: 'Check the address and the network. Start the run again later.',
  },
  'api.unsafe_address': {
    kind: 'configuration',
    meaning: 'An address of the settings would send tokens unencrypted or holds more than a host.',
    remedy: 'Set it to an https address without user, query or fragment.',
  },
  'api.unusable_answer': {
    kind: 'sourceBroken',
    meaning: 'The server answered with something that is not JSON of the expected form.',
    remedy: 'Check what the setting that the message names points to.',
  },
  'auth.access_token_refused': {
    kind: 'signIn',
    meaning: 'The API does not accept the token of COSELL_ACCESS_TOKEN, which cannot be renewed.',
    remedy: 'Set a new token, or unset COSELL_ACCESS_TOKEN and run `cosell login`.',
  },
  'auth.account_blocked': {
    kind: 'signIn',
    meaning: 'The user who signs in is locked, disabled or not assigned to the application.',
    remedy: 'Let an administrator of the tenant unlock or assign the user.',
  },
  'auth.api_not_in_tenant': {
    kind: 'configuration',
    meaning: 'The tenant that was signed in to does not have the Partner Center API.',
    remedy:
      'Check COSELL_TENANT_ID and COSELL_API_SCOPE; let an administrator grant the permission of the API.',
  },
  'auth.api_not_permitted': {
    kind: 'configuration',
    meaning: 'The Entra application does not ask for the permission of the Partner API.',
    remedy: 'Add the permission to the application and let an administrator grant consent.',
  },
  'auth.client_id_missing': {
    kind: 'configuration',
    meaning: 'COSELL_CLIENT_ID is not set, so there is no application to sign in to.',
    remedy: 'Set COSELL_CLIENT_ID and COSELL_TENANT_ID.',
  },
  'auth.client_secret': {
    kind: 'configuration',
    meaning: 'COSELL_CLIENT_SECRET is missing, wrong or expired.',
    remedy: 'Create a new secret of the Entra application and set it.',
  },
  'auth.conditional_access': {
    kind: 'signIn',
    meaning: 'A conditional access rule blocks the sign-in.',
    remedy: 'Let an administrator of the tenant allow this machine or user.',
  },
  'auth.consent_required': {
    kind: 'signIn',
    meaning: 'The tenant has not consented to the application.',
    remedy: 'Let an administrator of the tenant grant consent, then sign in again.',
  },
  'auth.device_code_declined': {
    kind: 'signIn',
    meaning: 'The sign-in with a code was declined in the browser.',
    remedy: 'Run `cosell login` again and accept it as the Referrals admin.',
  },
  'auth.device_code_expired': {
    kind: 'signIn',
    meaning: 'The sign-in code was not entered in time.',
    remedy: 'Run `cosell login` again and enter the new code.',
  },
  'auth.device_code_unknown': {
    kind: 'signIn',
    meaning: 'The sign-in service does not know its own code any more.',
    remedy: 'Run `cosell login` again.',
  },
  'auth.device_unknown': {
    kind: 'signIn',
    meaning: 'The device of the stored sign-in is deleted or disabled in the tenant.',
    remedy: 'Sign in again in a browser of a device that the tenant knows.',
  },
  'auth.discovery': {
    kind: 'bug',
    meaning: 'MSAL asked for metadata of the authority that it already had.',
    remedy: report,
  },
  'auth.flow_blocked': {
    kind: 'signIn',
    meaning: 'A conditional access rule blocks sign-ins with a code.',
    remedy: 'Let an administrator exempt the user, or set COSELL_REFRESH_TOKEN from another flow.',
  },
  'auth.forbidden': {
    kind: 'signIn',
    meaning: 'The API does not let the signed-in user read referrals.',
    remedy: 'Give the user the role Referrals admin in Partner Center.',
  },
  'auth.insufficient_claims': {
    kind: 'signIn',
    meaning: 'A conditional access rule asks for more proof than the token carries.',
    remedy: signInAgain,
  },
  'auth.interaction_required': {
    kind: 'signIn',
    meaning: 'The sign-in service wants to ask the user something.',
    remedy: signInAgain,
  },
  'auth.invalid_grant': {
    kind: 'signIn',
    meaning: 'The refresh token is not valid.',
    remedy: signInAgain,
  },
  'auth.mfa_required': {
    kind: 'signIn',
    meaning: 'The sign-in lacks multi-factor authentication.',
    remedy: `${signInAgain} Use multi-factor authentication.`,
  },
  'auth.no_grant': {
    kind: 'bug',
    meaning: 'MSAL ended without requesting a token.',
    remedy: report,
  },
  'auth.no_refresh_token': {
    kind: 'configuration',
    meaning: 'The sign-in returned no refresh token, so it would last an hour.',
    remedy: 'Allow the permission offline_access to the Entra application.',
  },
  'auth.no_token': {
    kind: 'signIn',
    meaning: 'No sign-in is stored or configured.',
    remedy: signInAgain,
  },
  'auth.no_token_in_answer': {
    kind: 'sourceBroken',
    meaning: 'The token endpoint answered 200 without an access token.',
    remedy: 'Check what COSELL_AUTHORITY_URL points to.',
  },
  'auth.other_cloud': {
    kind: 'configuration',
    meaning: 'The tenant belongs to another cloud of Microsoft.',
    remedy: 'Set COSELL_AUTHORITY_URL to the sign-in service of that cloud.',
  },
  'auth.public_client': {
    kind: 'configuration',
    meaning: 'The Entra application is a public client, which has no secret.',
    remedy: 'Unset COSELL_CLIENT_SECRET.',
  },
  'auth.public_client_flows': {
    kind: 'configuration',
    meaning: 'The Entra application does not allow the sign-in with a code.',
    remedy: 'Let an administrator allow public client flows for it, or set COSELL_REFRESH_TOKEN.',
  },
  'auth.refresh_token_expired': {
    kind: 'signIn',
    meaning: 'The stored sign-in has expired.',
    remedy: signInAgain,
  },
  'auth.refused': {
    kind: 'configuration',
    meaning: 'The token endpoint gave no token, for a reason without a code of its own.',
    remedy:
      'Check COSELL_AUTHORITY_URL, COSELL_TENANT_ID, COSELL_CLIENT_ID and COSELL_CLIENT_SECRET.',
  },
  'auth.sign_in_busy': {
    kind: 'tryAgainLater',
    meaning: 'Another process has been renewing the sign-in of the account for two minutes.',
    remedy: runAgain,
  },
  'auth.sign_in_revoked': {
    kind: 'signIn',
    meaning: 'The password was changed or the sessions of the user were revoked.',
    remedy: signInAgain,
  },
  'auth.tenant_restricted': {
    kind: 'configuration',
    meaning: 'A proxy of the network does not allow signing in to this tenant.',
    remedy: 'Let its administrator allow the tenant.',
  },
  'auth.token_file': {
    kind: 'configuration',
    meaning: 'The stored sign-in cannot be read or written.',
    remedy: 'Check the folder COSELL_HOME and its owner.',
  },
  'auth.token_file_content': {
    kind: 'configuration',
    meaning: 'The stored sign-in is not JSON with a refresh token.',
    remedy: 'Delete the file and run `cosell login`.',
  },
  'auth.token_file_mode': {
    kind: 'configuration',
    meaning: 'Other users of the machine may read the stored sign-in.',
    remedy: 'Run chmod 600 on the file, or delete it and run `cosell login`.',
  },
  'auth.token_key': {
    kind: 'configuration',
    meaning: 'No key of COSELL_TOKEN_KEY opens the sign-in that the warehouse has of the account.',
    remedy:
      'Give every machine the same key, with the former one after a comma, or run `cosell login` again.',
  },
  'auth.too_many_requests': {
    kind: 'tryAgainLater',
    meaning: 'The sign-in service takes no more equal requests for some minutes.',
    remedy: `${runAgain} If it comes back, see which other programs use the same sign-in.`,
  },
  'auth.unauthorized': {
    kind: 'signIn',
    meaning: 'The API does not accept a token that was just issued.',
    remedy:
      'Sign in to the right tenant as a Referrals admin; grant the permission of the Microsoft Partner API.',
  },
  'auth.unavailable': {
    kind: 'tryAgainLater',
    meaning: 'The sign-in service is down for the moment.',
    remedy: runAgain,
  },
  'auth.unknown_application': {
    kind: 'configuration',
    meaning: 'The tenant or its application does not exist.',
    remedy: 'Check COSELL_TENANT_ID and COSELL_CLIENT_ID.',
  },
  'auth.unusable_answer': {
    kind: 'sourceBroken',
    meaning: 'MSAL does not accept the answer of the token endpoint.',
    remedy: 'Check what COSELL_AUTHORITY_URL points to.',
  },
  'auth.unusable_device_code': {
    kind: 'sourceBroken',
    meaning: 'The sign-in service sent an address or a code that is not safe to show.',
    remedy: 'Check what COSELL_AUTHORITY_URL points to.',
  },
  'backfill.date': {
    kind: 'usage',
    meaning: 'A day of the backfill is not a date.',
    remedy: 'Give the day as YYYY-MM-DD.',
  },
  'backfill.span': {
    kind: 'usage',
    meaning: 'The first day of the backfill is not before its end.',
    remedy: 'Give a --from that is before --to.',
  },
  'config.invalid': {
    kind: 'configuration',
    meaning: 'A setting is unknown or its value is not accepted; nothing was started.',
    remedy: 'Correct each line of the message; settings.md has the values.',
  },
  'config.no_directory': {
    kind: 'configuration',
    meaning: 'The working directory was deleted, or may not be read.',
    remedy: 'Change to a folder that exists, and start again.',
  },
  'database.address': {
    kind: 'configuration',
    meaning: 'COSELL_DATABASE_URL is malformed, or asks for something that is not done.',
    remedy: 'Correct the part that the message names; install.md lists the parameters.',
  },
  'database.encoding': {
    kind: 'configuration',
    meaning: 'The database does not store text as UTF-8, so names in other scripts would be lost.',
    remedy: "Create one with encoding 'UTF8' and name it in COSELL_DATABASE_URL.",
  },
  'database.forbidden': {
    kind: 'configuration',
    meaning: 'The database user lacks a right.',
    remedy: 'Run `cosell doctor`: it names the group that the user has to join.',
  },
  'database.no_host': {
    kind: 'configuration',
    meaning: 'No host has the name in COSELL_DATABASE_URL.',
    remedy: 'Correct the name, or let this machine ask a resolver that knows it.',
  },
  'database.pooler': {
    kind: 'configuration',
    meaning: 'A connection pooler rejects what the address asks for, or accepts no transactions.',
    remedy:
      'Change the setting of the pooler that the message names, or use the port of the server.',
  },
  'database.read_only': {
    kind: 'configuration',
    meaning: 'The server is a standby, or transactions of the user are read only.',
    remedy: 'Name the primary, or take default_transaction_read_only back.',
  },
  'database.refused': {
    kind: 'configuration',
    meaning: 'PostgreSQL refused the connection: user, password or database is wrong.',
    remedy: 'Check COSELL_DATABASE_URL.',
  },
  'database.session': {
    kind: 'configuration',
    meaning:
      'Settings of the session do not hold though cosell made them, or it is the wrong server.',
    remedy: 'Let the pooler pool sessions or transactions, or use the port of the server.',
  },
  'database.statement': {
    kind: 'bug',
    meaning: 'PostgreSQL rejected a statement of cosell.',
    remedy: report,
  },
  'database.tls': {
    kind: 'configuration',
    meaning: 'No secure connection: the certificate, its files, or TLS as the address asks for it.',
    remedy: 'Correct sslmode and sslrootcert in COSELL_DATABASE_URL, or the certificate.',
  },
  'database.unavailable': {
    kind: 'tryAgainLater',
    meaning: 'The database could not finish: lost connection, restart, lock or full disk.',
    remedy: 'Nothing half-done is visible. Free the disk if it is full, then run again.',
  },
  'database.unreachable': {
    kind: 'tryAgainLater',
    meaning: 'PostgreSQL does not answer at the configured address.',
    remedy: 'Start the server or correct COSELL_DATABASE_URL, then run again.',
  },
  'demo.not_empty': {
    kind: 'configuration',
    meaning: 'The warehouse holds real accounts, which the demo would mix with invented ones.',
    remedy: 'Set COSELL_HOME to another folder, or COSELL_DATABASE_URL to an empty database.',
  },
  'docs.not_writable': {
    kind: 'configuration',
    meaning: 'The documents cannot be written into the folder.',
    remedy: 'Give a folder with --out that this account may write.',
  },
  'doctor.too_long': {
    kind: 'tryAgainLater',
    meaning: 'The API did not answer within the time that `cosell doctor` waits.',
    remedy: 'Run `cosell doctor` again later.',
  },
  'eligibility.address': {
    kind: 'configuration',
    meaning:
      'The address of eligibility policies is not one of the API; no request was sent there.',
    remedy: 'Correct COSELL_ELIGIBILITY_SOURCE: a property, or an address at COSELL_API_URL.',
  },
  'erase.declined': {
    kind: 'usage',
    meaning: 'The question of `cosell erase` was not answered with yes; nothing was erased.',
    remedy: 'Run it again and answer yes to erase.',
  },
  'erase.email': {
    kind: 'usage',
    meaning: 'What was given with --email is no e-mail address.',
    remedy: 'Give one address, such as ada@example.com.',
  },
  'erase.not_confirmed': {
    kind: 'usage',
    meaning: 'There is no terminal to ask on, or JSON is written, and --yes is not given.',
    remedy: 'Read what it would erase, then run it with --yes.',
  },
  'erase.register_not_written': {
    kind: 'configuration',
    meaning: 'The file with the register of erased people cannot be written in COSELL_HOME.',
    remedy: 'Let this account write the folder that the message names, and run it again.',
  },
  'erase.register_unreadable': {
    kind: 'configuration',
    meaning: 'The file with the register of erased people cannot be read; nothing was loaded.',
    remedy: 'Put the file back from a copy. Without one, delete it and erase the people again.',
  },
  'erase.unknown_referral': {
    kind: 'usage',
    meaning: 'No referral of the id given with --referral has landed.',
    remedy: 'Give an id as `mart.referral` has it.',
  },
  'erase.which': {
    kind: 'usage',
    meaning: 'The command `cosell erase` got neither --email nor --referral, or both.',
    remedy: 'Give one of them.',
  },
  'explain.no_people': {
    kind: 'configuration',
    meaning: 'The login of COSELL_DATABASE_URL may not read people.',
    remedy: 'Use a login in cosell_pii as well, or leave out --people.',
  },
  'explain.no_rights': {
    kind: 'configuration',
    meaning: 'The login may not read what was landed, from which amounts are recomputed.',
    remedy: 'Set COSELL_DATABASE_URL to a login in cosell_loader, or to the owner of the schemas.',
  },
  'explain.not_landed': {
    kind: 'checkFailed',
    meaning: 'Nothing that can be read is landed of a referral that the star has.',
    remedy:
      'Run `cosell quarantine show` for it; without an entry there, restore the landing zone.',
  },
  'explain.unknown_referral': {
    kind: 'usage',
    meaning: 'The warehouse holds no referral of the given id, or none that the login may see.',
    remedy: 'Give the id of a referral, as mart.referral lists them.',
  },
  'explain.which_account': {
    kind: 'usage',
    meaning: 'Several accounts have the referral.',
    remedy: 'Choose one of those that the message names with --account.',
  },
  'export.no_mart': {
    kind: 'configuration',
    meaning: 'The login of `cosell export` may read no mart, or there is none yet.',
    remedy: 'Put the login into `cosell_bi`, or let the owner run `cosell migrate`.',
  },
  'export.no_people': {
    kind: 'configuration',
    meaning: 'People are to be exported by a login that may not read them.',
    remedy: 'Use a login in `cosell_pii`, or leave out --people.',
  },
  'export.not_written': {
    kind: 'configuration',
    meaning:
      'A file of `cosell export` cannot be written; the message says whether earlier files stay.',
    remedy: 'Give a folder that this account may write, with room left.',
  },
  'export.unknown_table': {
    kind: 'usage',
    meaning: 'The login of `cosell export` may read no mart of the given name.',
    remedy: 'Give one of the names that the message lists.',
  },
  'export.value': {
    kind: 'bug',
    meaning: 'A mart has a value that files cannot hold, such as an infinite day.',
    remedy: report,
  },
  'findings.unknown_rule': {
    kind: 'usage',
    meaning: 'No rule of findings has the given name.',
    remedy: 'Give one of the names that the message lists.',
  },
  'forget.declined': {
    kind: 'usage',
    meaning: 'The question of `cosell forget` was not answered with yes; nothing was removed.',
    remedy: 'Run it again and answer yes to remove the account.',
  },
  'forget.lock_timeout': {
    kind: 'tryAgainLater',
    meaning: 'Tables with facts stayed in use, so the account could not be removed; it is whole.',
    remedy: 'Run the command again when loads and long queries are done.',
  },
  'forget.not_confirmed': {
    kind: 'usage',
    meaning: 'There is no terminal to ask on, or JSON is written, and --yes is not given.',
    remedy: 'Read what it would remove, then run it with --yes.',
  },
  'forget.not_owner': {
    kind: 'configuration',
    meaning: 'The database user does not own the tables, so it may not remove an account.',
    remedy: 'Let a member of cosell_owner run `cosell forget`.',
  },
  'forget.referenced': {
    kind: 'configuration',
    meaning: 'A table that cosell did not make refers to rows of the account; nothing was removed.',
    remedy: 'Delete the rows there, or drop the constraint that the message names.',
  },
  'full_read.too_many_missing': {
    kind: 'checkFailed',
    meaning: 'More known referrals are gone than may disappear at once.',
    remedy: 'Check that the user who signs in is still a Referrals admin of the entire company.',
  },
  'import.account': {
    kind: 'usage',
    meaning:
      'The settings have several accounts, or the given name is none that an account may have.',
    remedy: 'Say with --account which account the files are of.',
  },
  'import.archive': {
    kind: 'checkFailed',
    meaning:
      'A zip archive is damaged, encrypted or larger than is unpacked; nothing of it was loaded.',
    remedy: 'Download the files again, or unzip them and give the folder.',
  },
  'import.as_of': {
    kind: 'checkFailed',
    meaning: 'A file has days after the one that `--as-of` says it was downloaded on.',
    remedy: 'Give the day of the download, or leave `--as-of` out. Nothing was loaded.',
  },
  'import.incomplete': {
    kind: 'checkFailed',
    meaning:
      'Files that show all referrals, as --complete says, lack too many of the known ones; nothing was loaded.',
    remedy:
      'Add the missing files, or leave --complete out; the limits are missing_percent_max and missing_count_max of etl.setting.',
  },
  'import.invalid': {
    kind: 'checkFailed',
    meaning: 'A file is no text of one encoding with quotes in their places; nothing was loaded.',
    remedy: 'Correct the line that the message names, or download the file again.',
  },
  'import.nothing': {
    kind: 'usage',
    meaning: 'A folder or archive to import has no file.',
    remedy: 'Name the files that were downloaded.',
  },
  'import.too_many_unreadable': {
    kind: 'checkFailed',
    meaning: 'Too many rows of the files cannot be read, or all of them; nothing was loaded.',
    remedy:
      'Correct the rows that the log names; quarantine_percent_max and quarantine_count_max of etl.setting are the limits.',
  },
  'import.two_conventions': {
    kind: 'checkFailed',
    meaning:
      'The dates of a file are in two orders, or the amounts of a column have two decimal signs; nothing was loaded.',
    remedy: 'Correct one of the two cells that the message names; for dates, --date-order decides.',
  },
  'import.unknown_layout': {
    kind: 'checkFailed',
    meaning: 'The header of a file belongs to no download of Partner Center; nothing was loaded.',
    remedy: 'Correct the columns that the message names, or download the file again.',
  },
  'import.unreadable': {
    kind: 'usage',
    meaning: 'A file or folder to import cannot be opened.',
    remedy: 'Check its path and rights.',
  },
  'lease.held': {
    kind: 'accountHeld',
    meaning: 'Another run holds the account, or took it over from this one.',
    remedy: 'Let the other run end. If two schedules overlap, move one.',
  },
  'lease.lapsed': {
    kind: 'tryAgainLater',
    meaning: 'The database did not answer the heartbeat of a run for a minute.',
    remedy: `${runAgain} If it comes back, look at the server and the network.`,
  },
  'login.which_account': {
    kind: 'usage',
    meaning: 'Several accounts are configured and --account names none of them.',
    remedy: 'Give --account with one of the names that the message lists.',
  },
  'mcp.unknown_mart': {
    kind: 'usage',
    meaning: 'An assistant asked `cosell mcp` for a mart that there is not.',
    remedy: 'Give one of the names that the message lists.',
  },
  'migrate.before_baseline': {
    kind: 'configuration',
    meaning: 'The database holds only some of the migrations from before the baseline.',
    remedy: 'Run `cosell migrate` of the version that made it first, or start a new database.',
  },
  'migrate.failed': {
    kind: 'configuration',
    meaning: 'A migration or view was rejected by PostgreSQL and rolled back.',
    remedy: 'Let the owner of the schemas run `cosell migrate`.',
  },
  'migrate.interrupted': {
    kind: 'tryAgainLater',
    meaning: 'The database became unavailable during a migration, which was rolled back.',
    remedy: 'Run the command again.',
  },
  'migrate.lock_timeout': {
    kind: 'tryAgainLater',
    meaning: 'Another session uses a table that a migration changes.',
    remedy: 'Run the command again when loads and long queries are done.',
  },
  'migrate.name_taken': {
    kind: 'configuration',
    meaning: 'An object that cosell did not make has the name of one of its views.',
    remedy: 'Rename or drop the object that the message names, then run again.',
  },
  'migrate.newer_database': {
    kind: 'configuration',
    meaning: 'A newer version of cosell has migrated the database.',
    remedy: 'Install that version, or use another database.',
  },
  'migrate.not_owner': {
    kind: 'configuration',
    meaning: 'A migration or view is due, and the login may not apply it.',
    remedy: 'Let a member of cosell_owner run `cosell migrate`, or join that group.',
  },
  'migrate.pending': {
    kind: 'configuration',
    meaning: 'A comparison needs the schema of this version, and parts of it are not applied.',
    remedy: 'Run `cosell migrate`, which loads nothing, then compare again.',
  },
  'migrate.schema_taken': {
    kind: 'configuration',
    meaning: 'The database has a schema raw, pii, etl, stg, dw or mart that cosell did not make.',
    remedy: 'Create a database for cosell alone and name it in COSELL_DATABASE_URL.',
  },
  'migrate.server_too_old': {
    kind: 'configuration',
    meaning: 'The version of PostgreSQL is not supported any more.',
    remedy: 'Upgrade the server, or unset COSELL_DATABASE_URL to use the embedded one.',
  },
  'migrate.skipped': {
    kind: 'configuration',
    meaning: 'The database lacks a migration that comes before its newest one.',
    remedy: 'Restore a backup, or start a new database.',
  },
  'migrate.still_read': {
    kind: 'configuration',
    meaning: 'An object that is not of cosell depends on a view that has to change.',
    remedy: 'Drop the object that the message names, run again, and create it anew.',
  },
  'migrate.view_circle': {
    kind: 'bug',
    meaning: 'Views of mart read one another, so they cannot be created one after another.',
    remedy: report,
  },
  'node.too_old': {
    kind: 'configuration',
    meaning: 'The Node.js that started cosell is older than the least version it runs on.',
    remedy: 'Install the version that the message names, or start cosell with a newer Node.js.',
  },
  'open.port': {
    kind: 'configuration',
    meaning: 'The port given to `cosell open` cannot be listened on.',
    remedy: 'Give --port another one, or leave it out for a free one.',
  },
  'open.view': {
    kind: 'usage',
    meaning: 'What was given to `cosell open` is not the address of its page.',
    remedy: 'Copy the address of the page whole, and put it in quotes.',
  },
  'output.not_written': {
    kind: 'resultLost',
    meaning: 'The work is done, but standard output was full, closed or gone when the result came.',
    remedy: 'Give standard output room or another place. The work need not be done again.',
  },
  'paging.endless': {
    kind: 'sourceBroken',
    meaning: 'The list of referrals does not end: the API repeats or empties its pages.',
    remedy: 'Start the run again. Report it to Partner Center support if it comes back.',
  },
  'paging.filter_ignored': {
    kind: 'sourceBroken',
    meaning: 'The API returned rows that the date filter excludes.',
    remedy: 'Run `cosell doctor`, which probes again what the API accepts.',
  },
  'paging.no_way_on': {
    kind: 'sourceBroken',
    meaning: 'The API offers no way to the rest of the list.',
    remedy:
      'Run `cosell doctor` to see whether date filters work, or set another COSELL_PAGE_SIZE.',
  },
  'paging.order_ignored': {
    kind: 'sourceBroken',
    meaning: 'The API returned rows in another order than requested, so some may be missing.',
    remedy: 'Run `cosell doctor`, and report it to Partner Center support.',
  },
  'paging.rows_missing': {
    kind: 'sourceBroken',
    meaning: 'The list is shorter than the count that the API gives, also when read again.',
    remedy: 'Start the run again. Report it to Partner Center support if it comes back.',
  },
  'paging.since': {
    kind: 'bug',
    meaning: 'An incremental read was started with a time that is not an ISO instant.',
    remedy: report,
  },
  'paging.unsafe_link': {
    kind: 'sourceBroken',
    meaning: 'A next link points to another host; no request was sent there.',
    remedy: 'Check what COSELL_API_URL points to.',
  },
  'paging.window': {
    kind: 'bug',
    meaning: 'A backfill window was started with a time that is not an ISO instant.',
    remedy: report,
  },
  'postgres.account': {
    kind: 'configuration',
    meaning: 'root cannot run the embedded PostgreSQL and has no ordinary account to run it as.',
    remedy: 'Set COSELL_PG_OS_USER to an ordinary account, or COSELL_DATABASE_URL to a server.',
  },
  'postgres.bindir': {
    kind: 'configuration',
    meaning: 'COSELL_PG_BINDIR is not a folder with programs of PostgreSQL that may be run.',
    remedy: 'Correct COSELL_PG_BINDIR, or unset it to use the binaries from npm.',
  },
  'postgres.busy': {
    kind: 'tryAgainLater',
    meaning: 'A process keeps the folder of the embedded PostgreSQL without answering.',
    remedy: 'End the process that the message names, then run again.',
  },
  'postgres.home': {
    kind: 'configuration',
    meaning: 'The folder of the embedded PostgreSQL cannot be used.',
    remedy: 'Set COSELL_HOME to a folder that this account may write, with room left.',
  },
  'postgres.locked': {
    kind: 'tryAgainLater',
    meaning: 'Another command is starting or stopping the embedded PostgreSQL.',
    remedy: 'Wait for that command or end it, then run again.',
  },
  'postgres.login_taken': {
    kind: 'configuration',
    meaning: 'Others made a role with the name of the login that cosell makes for BI tools.',
    remedy: 'Rename the role that the message names, then run again.',
  },
  'postgres.major_version': {
    kind: 'configuration',
    meaning: 'The embedded data belongs to another major version of PostgreSQL.',
    remedy:
      'Set COSELL_PG_BINDIR to that version and dump the warehouse, then restore it in a new folder.',
  },
  'postgres.no_binaries': {
    kind: 'configuration',
    meaning: 'There is no PostgreSQL on this machine that the embedded warehouse could run.',
    remedy: 'Set COSELL_PG_BINDIR to an installed one, or COSELL_DATABASE_URL to a server.',
  },
  'postgres.password': {
    kind: 'configuration',
    meaning: 'The password of the embedded PostgreSQL is missing, unreadable or wrong.',
    remedy:
      'Put the file back, or give the role another password as access.md says. Remove the file of ' +
      'the login for BI tools: the next command makes another one.',
  },
  'postgres.start': {
    kind: 'configuration',
    meaning: 'The embedded PostgreSQL does not start or stop.',
    remedy: 'Correct what the message names, or set COSELL_DATABASE_URL to a server.',
  },
  'preflight.no_row': {
    kind: 'bug',
    meaning: 'A catalog query of `cosell doctor` returned no row.',
    remedy: report,
  },
  'proxy.invalid': {
    kind: 'configuration',
    meaning: 'A proxy variable of the environment holds no address of an HTTP proxy.',
    remedy: 'Set it to http://user:password@host:port, special characters percent-encoded.',
  },
  'proxy.refused': {
    kind: 'configuration',
    meaning:
      'The proxy does not open a tunnel to the server: it asks for a password or forbids it.',
    remedy: 'Do what the message says; network.md lists the proxies that work.',
  },
  'proxy.tls': {
    kind: 'configuration',
    meaning: 'The certificate of the proxy itself was not accepted.',
    remedy: 'Give its root certificate to Node.js, as network.md says.',
  },
  'proxy.unreachable': {
    kind: 'tryAgainLater',
    meaning: 'The proxy could not be reached, or could not reach the server.',
    remedy: 'Check the proxy variables and the proxy. Start the run again later.',
  },
  'publish.rows_lost': {
    kind: 'bug',
    meaning: 'PostgreSQL received another number of rows than the initial load sent.',
    remedy: report,
  },
  'purge.declined': {
    kind: 'usage',
    meaning: 'The question of `cosell purge` was not answered with yes; nothing was purged.',
    remedy: 'Run it again and answer yes to purge.',
  },
  'purge.no_retention': {
    kind: 'usage',
    meaning: 'Everything is kept for ever: no retention was given, and none is set.',
    remedy: 'Give --versions, --runs or --contacts, or set the variables of the same meaning.',
  },
  'purge.not_confirmed': {
    kind: 'usage',
    meaning: 'There is no terminal to ask on, or JSON is written, and --yes is not given.',
    remedy: 'Read what it would purge, with --plan, then run it with --yes.',
  },
  'quarantine.everything': {
    kind: 'checkFailed',
    meaning: 'None of the referrals that were read can be loaded; nothing was published.',
    remedy:
      'The message has the first reason. Look at the source; set quarantine_percent_max of etl.setting to 100 to go on.',
  },
  'quarantine.not_held': {
    kind: 'usage',
    meaning: 'A referral to try again is not in quarantine.',
    remedy: 'Run `cosell quarantine list` for the ids that are.',
  },
  'quarantine.threshold': {
    kind: 'checkFailed',
    meaning: 'Too many referrals cannot be read; nothing was published.',
    remedy:
      'Look at `cosell quarantine list` and the source; raise quarantine_percent_max of etl.setting to go on.',
  },
  'quarantine.too_many_rejected': {
    kind: 'checkFailed',
    meaning:
      'PostgreSQL rejected more referrals than may be quarantined for it; nothing was published.',
    remedy: 'Drop constraints that are not of cosell; report it when there are none.',
  },
  'quarantine.usage': {
    kind: 'usage',
    meaning: 'The arguments of `cosell quarantine` do not name one referral.',
    remedy: 'Do what the message says; commands.md has examples.',
  },
  'queue.claim_lost': {
    kind: 'tryAgainLater',
    meaning:
      'The queue gave the job of a worker to another one, since it did not hear of it in time.',
    remedy:
      'Nothing: the other worker loads the account. Look at the load of machine and database.',
  },
  'queue.node': {
    kind: 'configuration',
    meaning: 'Node.js is older than 22.12, which the queue needs.',
    remedy: 'Install Node.js 24 and cosell with its npm, or use `cosell run --workers`.',
  },
  'queue.not_prepared': {
    kind: 'configuration',
    meaning: 'The queue is not in the warehouse, and the login may not make it.',
    remedy: 'Let a member of cosell_owner run `cosell enqueue --prepare` once.',
  },
  'queue.other_version': {
    kind: 'configuration',
    meaning: 'The schema of the queue is of another version, or of another application.',
    remedy: 'Use the cosell that made it, or drop the schema cosell_queue.',
  },
  'queue.package': {
    kind: 'configuration',
    meaning: 'The package pg-boss, which the queue needs, is not installed.',
    remedy: 'Install cosell again with its optional packages, under Node.js 22.12 or newer.',
  },
  'queue.unknown_account': {
    kind: 'configuration',
    meaning: 'The queue has a job for an account that the settings of the worker do not name.',
    remedy: 'Give every worker the same accounts, and start it again.',
  },
  'queue.usage': {
    kind: 'usage',
    meaning: 'The options of `cosell enqueue` do not fit one another.',
    remedy: 'Do what the message says; commands.md has examples.',
  },
  'rates.archive': {
    kind: 'usage',
    meaning: 'The file of exchange rates is a zip archive.',
    remedy: 'Unzip it and give the CSV file in it.',
  },
  'rates.invalid': {
    kind: 'checkFailed',
    meaning: 'A line of the file of exchange rates is wrong; nothing of it was loaded.',
    remedy: 'Correct the line that the message names.',
  },
  'rates.unreadable': {
    kind: 'usage',
    meaning: 'The file of exchange rates cannot be opened.',
    remedy: 'Check its path and rights.',
  },
  'reader.no_login': {
    kind: 'configuration',
    meaning:
      'SQL of others, of `cosell sql` and `cosell mcp`, has no login that reads the marts and may do nothing else.',
    remedy: 'Let an administrator make a login in cosell_bi, and set COSELL_READER_DATABASE_URL.',
  },
  'reader.no_rights': {
    kind: 'configuration',
    meaning: 'A login may not read the marts.',
    remedy: 'Grant it cosell_bi, or set COSELL_READER_DATABASE_URL to a login that has it.',
  },
  'reader.other_database': {
    kind: 'configuration',
    meaning: 'COSELL_READER_DATABASE_URL is another database than COSELL_DATABASE_URL.',
    remedy: 'Set both to one warehouse; the reader may be a standby of it.',
  },
  'reader.too_powerful': {
    kind: 'configuration',
    meaning: 'The login of COSELL_READER_DATABASE_URL may do more than read the marts.',
    remedy: 'Set it to a login in cosell_bi and in no other group of cosell or of the server.',
  },
  'report.future_day': {
    kind: 'usage',
    meaning: 'The report is asked for as of a day that is still to come.',
    remedy: 'Give --as-of a day up to today, by UTC, or leave it out.',
  },
  'report.not_written': {
    kind: 'configuration',
    meaning: 'The report cannot be written to the file.',
    remedy: 'Give a path with --out that this account may write.',
  },
  'retry.budget_exhausted': {
    kind: 'tryAgainLater',
    meaning: 'So many requests failed that the run used up its retries.',
    remedy: runAgain,
  },
  'row_security.lock_timeout': {
    kind: 'tryAgainLater',
    meaning: 'A table stayed in use, so row-level security was not switched everywhere.',
    remedy: 'Run the command again when loads and long queries are done.',
  },
  'row_security.no_groups': {
    kind: 'configuration',
    meaning: 'Row-level security needs groups that the server does not have.',
    remedy: 'Run `cosell migrate` and let an administrator run the statements that it prints.',
  },
  'row_security.no_schema': {
    kind: 'bug',
    meaning: 'Row-level security was switched before any migration.',
    remedy: report,
  },
  'row_security.not_owner': {
    kind: 'configuration',
    meaning: 'The database user does not own the tables that are to be switched.',
    remedy: 'Let a member of cosell_owner switch row-level security.',
  },
  'run.deadline': {
    kind: 'tryAgainLater',
    meaning: 'The run reached COSELL_RUN_DEADLINE_MINUTES.',
    remedy: 'What was read is kept. Start the run again, or raise the deadline.',
  },
  'run.not_reconciled': {
    kind: 'bug',
    meaning: 'The counts of landed and published referrals differ; nothing was published.',
    remedy: report,
  },
  'run.stalled': {
    kind: 'tryAgainLater',
    meaning:
      'A run made no progress for 20 minutes and was ended; the message says what it waited for.',
    remedy: `${runAgain} If it comes back, look at the server or the network that the message names.`,
  },
  'sandbox.csv_not_written': {
    kind: 'configuration',
    meaning: 'The files of `cosell sandbox --write-csv` cannot be written to the folder.',
    remedy: 'Name a folder that this account may write and that holds no such files yet.',
  },
  'sandbox.port': {
    kind: 'configuration',
    meaning: 'The sandbox cannot listen on the port that it was given.',
    remedy: 'Give --port another one, or leave it out for a free one.',
  },
  'secret.command': {
    kind: 'configuration',
    meaning:
      'The program that prints a secret of an account did not start, failed or printed none.',
    remedy: 'Run it as the account of the machine that loads. What it says is not shown.',
  },
  'secret.command_too_long': {
    kind: 'tryAgainLater',
    meaning: 'The program that prints a secret of an account did not end in time.',
    remedy: 'Start the run again; see whether the service that keeps the secret answers.',
  },
  'secret.file': {
    kind: 'configuration',
    meaning: 'The file with a secret of an account cannot be read, or holds none.',
    remedy: 'Check the file that the message names, and its owner.',
  },
  'secret.file_mode': {
    kind: 'configuration',
    meaning: 'Other users of the machine may read the file with a secret of an account.',
    remedy: 'Give the secret anew if others may have read it, and run chmod 600 on the file.',
  },
  'secret.variable': {
    kind: 'configuration',
    meaning: 'The variable with a secret of an account is not set.',
    remedy: 'Set it in the environment of the job or in .env.',
  },
  'setting.invalid': {
    kind: 'configuration',
    meaning: 'A row of etl.setting is missing or its value is not accepted.',
    remedy: 'Correct the row that the message names.',
  },
  'signal.hangup': {
    kind: 'hangup',
    meaning: 'The command received SIGHUP: its terminal or connection was closed.',
    remedy: 'What was read is kept. Start it again, under a scheduler or nohup.',
  },
  'signal.interrupted': {
    kind: 'interrupted',
    meaning: 'The command received SIGINT (Ctrl-C).',
    remedy: 'What was read is kept. Start it again.',
  },
  'signal.terminated': {
    kind: 'terminated',
    meaning: 'The command received SIGTERM.',
    remedy: 'What was read is kept. Start it again.',
  },
  'sql.failed': {
    kind: 'usage',
    meaning: 'PostgreSQL does not run the statement that was asked for.',
    remedy: 'Correct the statement; the reader reads the schemas mart and dw.',
  },
  'sql.not_a_query': {
    kind: 'usage',
    meaning: 'The text is not one statement that reads.',
    remedy: 'Give one select, with, values, table, show or explain.',
  },
  'sql.refused': {
    kind: 'usage',
    meaning: 'A statement for `cosell mcp` reads mart.bi_access, which names people.',
    remedy: 'Leave it out.',
  },
  'sql.timeout': {
    kind: 'tryAgainLater',
    meaning: 'A statement took longer than it may.',
    remedy: 'Ask for less, or give `cosell sql` a longer --timeout.',
  },
  'sql.too_large': {
    kind: 'usage',
    meaning: 'A value, or a few rows, are larger than may be received.',
    remedy: 'Ask for fewer rows or columns.',
  },
  'stage.lost': {
    kind: 'tryAgainLater',
    meaning: 'PostgreSQL crashed during the run and lost the staged rows; nothing was published.',
    remedy: 'Start the run again.',
  },
  'throttle.pause_too_long': {
    kind: 'tryAgainLater',
    meaning: 'The API asks for a longer pause than a run waits.',
    remedy: 'Start the run again after the time that the message gives.',
  },
  'transform.version_lost': {
    kind: 'bug',
    meaning: 'The transform returned rows for another version than the landed one.',
    remedy: report,
  },
  unexpected: {
    kind: 'bug',
    meaning: 'An error that cosell did not foresee.',
    remedy: report,
  },
  'warehouse.dump_not_written': {
    kind: 'configuration',
    meaning: 'A dump of the embedded warehouse cannot be written to the file.',
    remedy: 'Name a file in a folder that this account may write, with room left.',
  },
  'warehouse.dump_schema': {
    kind: 'configuration',
    meaning: 'A dump has the schema of another version of cosell.',
    remedy: 'Restore it with the version that the message names, then upgrade.',
  },
  'warehouse.dump_unreadable': {
    kind: 'checkFailed',
    meaning: 'A file is no dump of the embedded warehouse, or only part of one.',
    remedy: 'Copy the file again, or write it again with `cosell warehouse --dump`.',
  },
  'warehouse.not_embedded': {
    kind: 'configuration',
    meaning: 'COSELL_DATABASE_URL is set, and that server is not ours to start or stop.',
    remedy: 'Unset COSELL_DATABASE_URL to use the embedded warehouse.',
  },
  'warehouse.not_empty': {
    kind: 'configuration',
    meaning: 'A dump is to be restored into a warehouse that has been loaded.',
    remedy: 'Give COSELL_HOME another folder, or move the present one away.',
  },
} as const satisfies Record<string, ErrorEntry>

/** Codes that end with something found at run time, by their beginning. */
export const errorCodeFamilies = {
  'api.status_': {
    kind: 'sourceBroken',
    meaning: 'The API answered with this HTTP status, which asking again does not change.',
    remedy: 'Check the release notes of the API; report it with the request id of the message.',
  },
  'check.': {
    kind: 'checkFailed',
    meaning: 'Rows violate this check of `sql/checks`; nothing was published.',
    remedy: 'Keep the database as it is and report it with the rows of the message.',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorCodes | `${keyof typeof errorCodeFamilies}${string}`

export function errorEntry(code: ErrorCode): ErrorEntry {
  const entries: Readonly<Record<string, ErrorEntry>> = errorCodes
  const known = entries[code]
  if (known !== undefined) return known
  return code.startsWith('check.') ? errorCodeFamilies['check.'] : errorCodeFamilies['api.status_']
}
