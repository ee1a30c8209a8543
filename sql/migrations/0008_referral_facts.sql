-- Primary keys lead with the referral and serve joins and drill-through; the indexes serve filters
-- that cut across referrals.
--
-- The account stands right behind the referral in every key. With a column between the two,
-- PostgreSQL 18 plans a skip scan, whose estimate (270 for a probe that costs 4) loses against
-- reading the whole table: 5.0 s for 1,000 changes in a star of a million, 0.9 s with these keys.
--
-- Power BI, Metabase and Tableau draw the star from the foreign keys. The two tables with most rows
-- a referral (fact_acv_schedule, bridge_referral_tag) have none: each key costs a look-up a row. The
-- orphan checks inside every publish cover them, as they cover dates, currencies and accounts.

create table dw.fact_referral (
  partner_account_key        integer     not null,
  referral_key               bigint      not null,
  customer_key               bigint      not null,
  status_key                 smallint    not null,
  currency_code              text        not null,
  created_date               date        not null,
  updated_date               date        not null,
  accepted_date              date,
  expected_close_date        date,
  expiration_date            date,
  closed_date                date,
  registered_date            date,
  registration_approved_date date,
  created_at                 timestamptz not null,
  updated_at                 timestamptz not null,
  accepted_at                timestamptz,
  expected_close_at          timestamptz,
  expiration_at              timestamptz,
  closed_at                  timestamptz,
  closed_at_basis            text,
  deal_value_amount          numeric(19,4),
  days_to_accept             integer,
  days_to_close              integer,
  days_to_registration       integer,
  requested_solution_count   smallint    not null,
  requested_offer_count      smallint    not null,
  registration_count         smallint    not null,
  row_hash                   bigint      not null,
  created_run_id             bigint      not null,
  updated_run_id             bigint      not null,
  primary key (referral_key, partner_account_key),
  constraint fact_referral_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint fact_referral_customer
    foreign key (customer_key) references dw.dim_customer (customer_key),
  constraint fact_referral_status
    foreign key (status_key) references dw.dim_status (status_key)
) with (fillfactor = 90);
comment on table dw.fact_referral is
  'One referral: where it stands, its milestones and its value; the row moves as the referral '
  'does.';
comment on column dw.fact_referral.partner_account_key is
  'Account of the referral; dw.dim_partner_account.';
comment on column dw.fact_referral.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_referral.customer_key is
  'Customer profile of the latest version; dw.dim_customer.';
comment on column dw.fact_referral.status_key is 'Status and substatus; dw.dim_status.';
comment on column dw.fact_referral.currency_code is
  'details.currency, of deal_value_amount; XXX when not given.';
comment on column dw.fact_referral.created_date is 'UTC day of created_at.';
comment on column dw.fact_referral.updated_date is 'UTC day of updated_at.';
comment on column dw.fact_referral.accepted_date is
  'UTC day of accepted_at; null when not accepted.';
comment on column dw.fact_referral.expected_close_date is
  'details.closingDateTime as the day that was picked in the portal; see etl.setting '
  'calendar_date_rule.';
comment on column dw.fact_referral.expiration_date is 'UTC day of expiration_at.';
comment on column dw.fact_referral.closed_date is 'UTC day of closed_at; null while open.';
comment on column dw.fact_referral.registered_date is
  'Day of the first registrations[].registrationDateTime; null when there is no registration.';
comment on column dw.fact_referral.registration_approved_date is
  'Day of the first registrations[].statusHistory.approvedDateTime or passedDateTime; null when no '
  'registration was approved.';
comment on column dw.fact_referral.created_at is 'When the referral was created: createdDateTime.';
comment on column dw.fact_referral.updated_at is
  'When the source changed the referral last: updatedDateTime.';
comment on column dw.fact_referral.accepted_at is
  'acceptedDateTime; equals created_at for referrals the partner sent.';
comment on column dw.fact_referral.expected_close_at is
  'details.closingDateTime as the instant received.';
comment on column dw.fact_referral.expiration_at is
  'When the referral expires unless a partner acts on it: expirationDateTime.';
comment on column dw.fact_referral.closed_at is
  'When it was closed, as exactly as closed_at_basis says; null while open.';
comment on column dw.fact_referral.closed_at_basis is
  'source (closedDateTime was sent), observed (the load saw it close) or estimated (first seen '
  'closed: its last update, no later than which it closed).';
comment on column dw.fact_referral.deal_value_amount is
  'details.dealValue, in currency_code, as reported.';
comment on column dw.fact_referral.days_to_accept is
  'Days from created_date to accepted_date, at least 0.';
comment on column dw.fact_referral.days_to_close is
  'Days from created_date to closed_date, at least 0.';
comment on column dw.fact_referral.days_to_registration is
  'Days from closed_date to registered_date, at least 0.';
comment on column dw.fact_referral.requested_solution_count is
  'Number of details.requirements.solutions.';
comment on column dw.fact_referral.requested_offer_count is
  'Number of details.requirements.offers.';
comment on column dw.fact_referral.registration_count is
  'Number of registrations[]; the source allows one today.';
comment on column dw.fact_referral.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_referral.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column dw.fact_referral.updated_run_id is 'Run that changed the row last; etl.run.';

create index fact_referral_created on dw.fact_referral (partner_account_key, created_date);
create index fact_referral_closed on dw.fact_referral (partner_account_key, closed_date);
create index fact_referral_expiration
  on dw.fact_referral (partner_account_key, expiration_date)
  where closed_date is null;

create table dw.fact_referral_history (
  partner_account_key          integer     not null,
  referral_key                 bigint      not null,
  version_no                   integer     not null,
  valid_from                   timestamptz not null,
  valid_to                     timestamptz,
  valid_from_date              date        not null,
  valid_to_date                date,
  is_current                   boolean     not null,
  is_estimated                 boolean     not null,
  is_missing                   boolean     not null,
  customer_key                 bigint      not null,
  status_key                   smallint    not null,
  previous_status_key          smallint,
  is_status_change             boolean     not null,
  is_valid_transition          boolean,
  registration_status          text        not null,
  qualification                text        not null,
  currency_code                text        not null,
  deal_value_amount            numeric(19,4),
  expected_close_date          date,
  expiration_date              date,
  registered_acv_amount        numeric(19,4),
  registered_acv_currency_code text        not null,
  days_in_version              integer,
  source_updated_at            timestamptz not null,
  observed_at                  timestamptz not null,
  tracked_hash                 bigint      not null,
  row_hash                     bigint      not null,
  created_run_id               bigint      not null,
  updated_run_id               bigint      not null,
  primary key (referral_key, partner_account_key, version_no),
  check (valid_to is null or valid_to >= valid_from),
  constraint fact_referral_history_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint fact_referral_history_customer
    foreign key (customer_key) references dw.dim_customer (customer_key),
  constraint fact_referral_history_status
    foreign key (status_key) references dw.dim_status (status_key),
  constraint fact_referral_history_previous_status
    foreign key (previous_status_key) references dw.dim_status (status_key)
);
comment on table dw.fact_referral_history is
  'One referral in one version, valid from one instant to the next; answers what the pipeline was '
  'on any day. A version opens when a tracked column changes: status, registration status, '
  'qualification, customer, value, currency, dates, registered ACV, missing.';
comment on column dw.fact_referral_history.partner_account_key is 'Account of the referral.';
comment on column dw.fact_referral_history.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_referral_history.version_no is '1, 2, 3 and so on for each referral.';
comment on column dw.fact_referral_history.valid_from is 'Instant from which the version holds.';
comment on column dw.fact_referral_history.valid_to is
  'Instant before which it holds; null for the current version.';
comment on column dw.fact_referral_history.valid_from_date is 'UTC day of valid_from.';
comment on column dw.fact_referral_history.valid_to_date is
  'UTC day of valid_to; null for the current version. At the end of day X the version holds with '
  'valid_from_date <= X and valid_to_date > X or null.';
comment on column dw.fact_referral_history.is_current is 'The version holds now.';
comment on column dw.fact_referral_history.is_estimated is
  'Derived from the milestones of a later version instead of being observed; carries the value of '
  'that version.';
comment on column dw.fact_referral_history.is_missing is
  'Complete full reads did not return the referral in this version.';
comment on column dw.fact_referral_history.customer_key is
  'Customer profile at that time; dw.dim_customer.';
comment on column dw.fact_referral_history.status_key is
  'Status and substatus at that time; dw.dim_status.';
comment on column dw.fact_referral_history.previous_status_key is
  'Status and substatus of the version before; null for the first.';
comment on column dw.fact_referral_history.is_status_change is
  'The pair differs from the version before, or this is the first version.';
comment on column dw.fact_referral_history.is_valid_transition is
  'The documentation allows the move from the previous status; null for the first version and '
  'where either status is None or not documented.';
comment on column dw.fact_referral_history.registration_status is
  'registrationStatus at that time.';
comment on column dw.fact_referral_history.qualification is
  'qualification, as it was at that time.';
comment on column dw.fact_referral_history.currency_code is
  'details.currency at that time, of deal_value_amount.';
comment on column dw.fact_referral_history.deal_value_amount is
  'details.dealValue at that time, in currency_code.';
comment on column dw.fact_referral_history.expected_close_date is
  'Day of details.closingDateTime at that time.';
comment on column dw.fact_referral_history.expiration_date is
  'Day of expirationDateTime at that time.';
comment on column dw.fact_referral_history.registered_acv_amount is
  'Annual contract value of registrations[].contract.value known at that time, in '
  'registered_acv_currency_code; null when none.';
comment on column dw.fact_referral_history.registered_acv_currency_code is
  'registrations[].contract.currency, of registered_acv_amount; XXX when there is none.';
comment on column dw.fact_referral_history.days_in_version is
  'Days from valid_from_date to valid_to_date; null for the current version.';
comment on column dw.fact_referral_history.source_updated_at is
  'updatedDateTime of the payload that the version comes from.';
comment on column dw.fact_referral_history.observed_at is 'When that payload was fetched.';
comment on column dw.fact_referral_history.tracked_hash is
  'Hash of the tracked columns; compared within one referral only.';
comment on column dw.fact_referral_history.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_referral_history.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.fact_referral_history.updated_run_id is
  'Run that changed the row last; etl.run.';

create unique index fact_referral_history_current
  on dw.fact_referral_history (referral_key, partner_account_key)
  where is_current;
create index fact_referral_history_valid_from
  on dw.fact_referral_history (partner_account_key, valid_from_date);

create table dw.fact_referral_solution (
  partner_account_key         integer      not null,
  referral_key                bigint       not null,
  line_no                     smallint     not null,
  solution_key                bigint       not null,
  price_text                  text,
  price_amount                numeric(19,4),
  currency_code               text         not null,
  quantity                    numeric(19,4),
  line_amount                 numeric(19,4),
  weight                      numeric(7,6) not null,
  allocated_deal_value_amount numeric(19,4),
  row_hash                    bigint       not null,
  created_run_id              bigint       not null,
  updated_run_id              bigint       not null,
  primary key (referral_key, partner_account_key, line_no),
  constraint fact_referral_solution_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint fact_referral_solution_solution
    foreign key (solution_key) references dw.dim_solution (solution_key)
);
comment on table dw.fact_referral_solution is 'One solution or offer that a referral asks for.';
comment on column dw.fact_referral_solution.partner_account_key is 'Account of the referral.';
comment on column dw.fact_referral_solution.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_referral_solution.line_no is
  'Number of the line, from 1, by kind, id and position, so that it stays when the API reorders '
  'the list.';
comment on column dw.fact_referral_solution.solution_key is
  'The solution or offer; dw.dim_solution.';
comment on column dw.fact_referral_solution.price_text is
  'details.requirements.solutions[].price as received, a text in the source.';
comment on column dw.fact_referral_solution.price_amount is
  'details.requirements.solutions[].price in currency_code; null when the text is not a plain '
  'decimal.';
comment on column dw.fact_referral_solution.currency_code is
  'details.requirements.solutions[].currency; details.currency when the line has none.';
comment on column dw.fact_referral_solution.quantity is
  'details.requirements.solutions[].quantity, as received.';
comment on column dw.fact_referral_solution.line_amount is
  'price_amount times quantity, in currency_code.';
comment on column dw.fact_referral_solution.weight is
  'Share of the line in the referral; the shares of its solutions (of its offers when it has no '
  'solution) add up to exactly 1.';
comment on column dw.fact_referral_solution.allocated_deal_value_amount is
  'Share of details.dealValue, in the currency of the referral; adds up exactly to the deal value.';
comment on column dw.fact_referral_solution.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_referral_solution.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.fact_referral_solution.updated_run_id is
  'Run that changed the row last; etl.run.';

create table dw.bridge_referral_tag (
  partner_account_key integer      not null,
  referral_key        bigint       not null,
  tag_key             bigint       not null,
  weight              numeric(7,6) not null,
  tag_count           smallint     not null,
  row_hash            bigint       not null,
  created_run_id      bigint       not null,
  updated_run_id      bigint       not null,
  primary key (referral_key, partner_account_key, tag_key)
);
comment on table dw.bridge_referral_tag is
  'One tag of a referral. With weights a report by tag adds up to the total; without them it shows '
  'how much each tag touches.';
comment on column dw.bridge_referral_tag.partner_account_key is 'Account of the referral.';
comment on column dw.bridge_referral_tag.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.bridge_referral_tag.tag_key is 'The tag; dw.dim_tag.';
comment on column dw.bridge_referral_tag.weight is
  'Share of the tag; adds up to exactly 1 for each referral, tag group and tag type.';
comment on column dw.bridge_referral_tag.tag_count is
  'Tags of the same group and type on the referral.';
comment on column dw.bridge_referral_tag.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.bridge_referral_tag.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column dw.bridge_referral_tag.updated_run_id is
  'Run that changed the row last; etl.run.';

create index bridge_referral_tag_tag on dw.bridge_referral_tag (tag_key);
