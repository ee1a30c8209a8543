create table dw.fact_registration (
  partner_account_key         integer  not null,
  referral_key                bigint   not null,
  registration_no             smallint not null,
  registration_id             text,
  customer_key                bigint   not null,
  registration_type           text     not null,
  registration_status         text     not null,
  is_terminal                 boolean  not null,
  status_reason               text,
  contract_term               text     not null,
  is_perpetual                boolean  not null,
  currency_code               text     not null,
  contract_sign_date          date,
  contract_start_date         date,
  contract_end_date           date,
  contract_end_exclusive_date date,
  term_months                 numeric(9,4),
  acv_status                  text     not null,
  contract_value_amount       numeric(19,4),
  contract_acv_amount         numeric(19,4),
  contract_annualized_amount  numeric(19,4),
  solution_value_amount       numeric(19,4),
  nonrecurring_amount         numeric(19,4),
  line_count                  smallint not null,
  registered_at               timestamptz,
  review_pending_at           timestamptz,
  action_required_at          timestamptz,
  approved_at                 timestamptz,
  passed_at                   timestamptz,
  failed_at                   timestamptz,
  registered_date             date,
  review_pending_date         date,
  action_required_date        date,
  approved_date               date,
  decided_date                date,
  approval_lead_days          numeric(9,2),
  decision_lead_days          numeric(9,2),
  sign_to_registration_days   integer,
  row_hash                    bigint   not null,
  created_run_id              bigint   not null,
  updated_run_id              bigint   not null,
  primary key (referral_key, partner_account_key, registration_no),
  constraint fact_registration_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint fact_registration_customer
    foreign key (customer_key) references dw.dim_customer (customer_key)
) with (fillfactor = 90);
comment on table dw.fact_registration is
  'One deal registration of a referral: its contract, its values and its way through review; the '
  'row moves as the registration does.';
comment on column dw.fact_registration.partner_account_key is 'Account of the referral.';
comment on column dw.fact_registration.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_registration.registration_no is
  'Number of the registration within the referral, from 1, by registration id.';
comment on column dw.fact_registration.registration_id is
  'Id of the registration at the source: registrations[].id.';
comment on column dw.fact_registration.customer_key is
  'Customer profile of the referral; dw.dim_customer.';
comment on column dw.fact_registration.registration_type is
  'registrations[].type; AzureIPCoSell today.';
comment on column dw.fact_registration.registration_status is
  'Where the registration stands in review: registrations[].status.';
comment on column dw.fact_registration.is_terminal is
  'registration_status is Passed or Failed, which the documentation calls final, although a '
  'granted exception may reopen it.';
comment on column dw.fact_registration.status_reason is
  'registrations[].statusReason: words of the review team.';
comment on column dw.fact_registration.contract_term is
  'registrations[].contract.term: Perpetual, Finite or whatever arrives.';
comment on column dw.fact_registration.is_perpetual is
  'contract_term is Perpetual; its value is spread over six years.';
comment on column dw.fact_registration.currency_code is
  'registrations[].contract.currency, of the contract amounts; XXX when not given.';
comment on column dw.fact_registration.contract_sign_date is
  'Day the contract was signed: registrations[].contract.signDateTime.';
comment on column dw.fact_registration.contract_start_date is
  'First day of the contract: registrations[].contract.startDateTime.';
comment on column dw.fact_registration.contract_end_date is
  'End of the contract as reported, the last day or the anniversary after it: '
  'registrations[].contract.endDateTime.';
comment on column dw.fact_registration.contract_end_exclusive_date is
  'First day after the contract, as used for the annual value: by contract_end_date, or '
  'contract_start_date plus 72 months when perpetual.';
comment on column dw.fact_registration.term_months is
  'Months from contract_start_date to contract_end_exclusive_date, rounded for reading; amounts '
  'are computed from the exact fraction.';
comment on column dw.fact_registration.acv_status is
  'ok, term_inferred, or the reason why the annual value or the schedule is missing.';
comment on column dw.fact_registration.contract_value_amount is
  'registrations[].contract.value: total contract value, in currency_code.';
comment on column dw.fact_registration.contract_acv_amount is
  'Annual contract value of contract_value_amount, in currency_code: value times 12 over the '
  'months, where less than 12 months count as 12.';
comment on column dw.fact_registration.contract_annualized_amount is
  'contract_value_amount at a yearly rate, in currency_code; differs from the annual value only '
  'below 12 months.';
comment on column dw.fact_registration.solution_value_amount is
  'Sum of registrations[].solutionDetails[].value, in currency_code; null when a line is in '
  'another currency.';
comment on column dw.fact_registration.nonrecurring_amount is
  'contract_value_amount less solution_value_amount, in currency_code: one-off fees; null when the '
  'currencies differ.';
comment on column dw.fact_registration.line_count is 'Number of registrations[].solutionDetails.';
comment on column dw.fact_registration.registered_at is
  'When the deal was registered: registrations[].registrationDateTime.';
comment on column dw.fact_registration.review_pending_at is
  'When it began to wait for review: registrations[].statusHistory.reviewPendingDateTime.';
comment on column dw.fact_registration.action_required_at is
  'registrations[].statusHistory.actionRequiredDateTime: sent back to the partner.';
comment on column dw.fact_registration.approved_at is
  'registrations[].statusHistory.approvedDateTime: approved by rule.';
comment on column dw.fact_registration.passed_at is
  'registrations[].statusHistory.passedDateTime: approved by a reviewer.';
comment on column dw.fact_registration.failed_at is
  'registrations[].statusHistory.failedDateTime: refused by a reviewer.';
comment on column dw.fact_registration.registered_date is 'UTC day of registered_at.';
comment on column dw.fact_registration.review_pending_date is 'UTC day of review_pending_at.';
comment on column dw.fact_registration.action_required_date is 'UTC day of action_required_at.';
comment on column dw.fact_registration.approved_date is
  'UTC day of the first of approved_at and passed_at.';
comment on column dw.fact_registration.decided_date is
  'UTC day of the first of approved_at, passed_at and failed_at.';
comment on column dw.fact_registration.approval_lead_days is
  'Days, with two decimals, from registered_at to the first approval, by rule or reviewer.';
comment on column dw.fact_registration.decision_lead_days is
  'Days, with two decimals, from registered_at to the first decision.';
comment on column dw.fact_registration.sign_to_registration_days is
  'Days from contract_sign_date to registered_date; etl.setting registration_days_max is the '
  'limit.';
comment on column dw.fact_registration.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_registration.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column dw.fact_registration.updated_run_id is 'Run that changed the row last; etl.run.';

create index fact_registration_contract_sign
  on dw.fact_registration (partner_account_key, contract_sign_date);

create table dw.fact_registration_solution (
  partner_account_key             integer  not null,
  referral_key                    bigint   not null,
  registration_no                 smallint not null,
  line_no                         smallint not null,
  customer_key                    bigint   not null,
  solution_key                    bigint   not null,
  currency_code                   text     not null,
  contract_currency_code          text     not null,
  contract_sign_date              date,
  contract_start_date             date,
  registered_date                 date,
  price_text                      text,
  price_amount                    numeric(19,4),
  quantity                        numeric(19,4),
  solution_value_amount           numeric(19,4),
  solution_acv_amount             numeric(19,4),
  solution_annualized_amount      numeric(19,4),
  allocated_contract_value_amount numeric(19,4),
  allocated_contract_acv_amount   numeric(19,4),
  is_deployed_on_azure            boolean,
  primary_deployment_on           text     not null,
  pricing_model                   text     not null,
  is_pay_as_you_go                boolean  not null,
  is_marketplace_transacted       boolean,
  marketplace_transaction_date    date,
  incentive_count                 smallint not null,
  is_incentive_eligible           boolean  not null,
  incentives                      text     not null,
  row_hash                        bigint   not null,
  created_run_id                  bigint   not null,
  updated_run_id                  bigint   not null,
  primary key (referral_key, partner_account_key, registration_no, line_no),
  constraint fact_registration_solution_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint fact_registration_solution_customer
    foreign key (customer_key) references dw.dim_customer (customer_key),
  constraint fact_registration_solution_solution
    foreign key (solution_key) references dw.dim_solution (solution_key)
);
comment on table dw.fact_registration_solution is
  'One solution line of a deal registration; a registration without lines has one placeholder, so '
  'that its contract shows in reports by line.';
comment on column dw.fact_registration_solution.partner_account_key is 'Account of the referral.';
comment on column dw.fact_registration_solution.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_registration_solution.registration_no is
  'Number of the registration within the referral; dw.fact_registration.';
comment on column dw.fact_registration_solution.line_no is
  'Number of the line, from 1; 0 for the placeholder.';
comment on column dw.fact_registration_solution.customer_key is
  'Customer profile of the referral; dw.dim_customer.';
comment on column dw.fact_registration_solution.solution_key is 'The solution; dw.dim_solution.';
comment on column dw.fact_registration_solution.currency_code is
  'solutionDetails[].currency, of the solution amounts; that of the contract when the line has '
  'none.';
comment on column dw.fact_registration_solution.contract_currency_code is
  'registrations[].contract.currency, of the allocated contract amounts.';
comment on column dw.fact_registration_solution.contract_sign_date is 'As in dw.fact_registration.';
comment on column dw.fact_registration_solution.contract_start_date is
  'As in dw.fact_registration.';
comment on column dw.fact_registration_solution.registered_date is 'As in dw.fact_registration.';
comment on column dw.fact_registration_solution.price_text is
  'solutionDetails[].price as received, a text in the source.';
comment on column dw.fact_registration_solution.price_amount is
  'solutionDetails[].price in currency_code; null when the text is not a plain decimal.';
comment on column dw.fact_registration_solution.quantity is
  'solutionDetails[].quantity, as received.';
comment on column dw.fact_registration_solution.solution_value_amount is
  'solutionDetails[].value, in currency_code: contract value of the line without one-off fees.';
comment on column dw.fact_registration_solution.solution_acv_amount is
  'Annual contract value of solution_value_amount, in currency_code: the recurring one.';
comment on column dw.fact_registration_solution.solution_annualized_amount is
  'solution_value_amount at a yearly rate, in currency_code.';
comment on column dw.fact_registration_solution.allocated_contract_value_amount is
  'Share of registrations[].contract.value, in contract_currency_code; adds up exactly over the '
  'lines.';
comment on column dw.fact_registration_solution.allocated_contract_acv_amount is
  'Share of the annual value of registrations[].contract.value, in contract_currency_code; adds up '
  'exactly over the lines.';
comment on column dw.fact_registration_solution.is_deployed_on_azure is
  'solutionDetails[].isDeployedOnAzure; null when not stated.';
comment on column dw.fact_registration_solution.primary_deployment_on is
  'solutionDetails[].primaryDeploymentOn: tenant of the Customer or of the Partner.';
comment on column dw.fact_registration_solution.pricing_model is
  'How the customer pays, such as PayAsYouGo: solutionDetails[].pricingModel.';
comment on column dw.fact_registration_solution.is_pay_as_you_go is 'pricing_model is PayAsYouGo.';
comment on column dw.fact_registration_solution.is_marketplace_transacted is
  'solutionDetails[].marketplaceTransactionDetails.isMarketplaceTransacted; null when not stated.';
comment on column dw.fact_registration_solution.marketplace_transaction_date is
  'Day the line was bought on the marketplace: '
  'solutionDetails[].marketplaceTransactionDetails.marketplaceTransactionDateTime.';
comment on column dw.fact_registration_solution.incentive_count is
  'Number of solutionDetails[].incentives.';
comment on column dw.fact_registration_solution.is_incentive_eligible is
  'The line has an incentive: incentive_count is above 0.';
comment on column dw.fact_registration_solution.incentives is
  'solutionDetails[].incentives joined by a bar with blanks; empty when there are none. The bridge '
  'has them one by one.';
comment on column dw.fact_registration_solution.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_registration_solution.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.fact_registration_solution.updated_run_id is
  'Run that changed the row last; etl.run.';

create index fact_registration_solution_contract_sign
  on dw.fact_registration_solution (partner_account_key, contract_sign_date);
create index fact_registration_solution_solution on dw.fact_registration_solution (solution_key);

create table dw.fact_acv_schedule (
  partner_account_key       integer  not null,
  referral_key              bigint   not null,
  registration_no           smallint not null,
  line_no                   smallint not null,
  contract_year_no          smallint not null,
  customer_key              bigint   not null,
  solution_key              bigint   not null,
  currency_code             text     not null,
  contract_currency_code    text     not null,
  period_start_date         date,
  period_end_date           date,
  period_months             numeric(9,4),
  scheduled_solution_amount numeric(19,4),
  scheduled_contract_amount numeric(19,4),
  is_incentive_eligible     boolean  not null,
  is_marketplace_transacted boolean,
  row_hash                  bigint   not null,
  created_run_id            bigint   not null,
  updated_run_id            bigint   not null,
  primary key (referral_key, partner_account_key, registration_no, line_no, contract_year_no)
);
comment on table dw.fact_acv_schedule is
  'One contract year of one registration line: what falls into it. The years of a line add up '
  'exactly to its values.';
comment on column dw.fact_acv_schedule.partner_account_key is 'Account of the referral.';
comment on column dw.fact_acv_schedule.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_acv_schedule.registration_no is
  'Number of the registration within the referral; dw.fact_registration.';
comment on column dw.fact_acv_schedule.line_no is
  'Number of the line; dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.contract_year_no is
  'Year of the contract, from 1; 0 when the amount cannot be placed in time and the row holds all '
  'of it.';
comment on column dw.fact_acv_schedule.customer_key is
  'Customer profile of the referral; dw.dim_customer.';
comment on column dw.fact_acv_schedule.solution_key is 'The solution; dw.dim_solution.';
comment on column dw.fact_acv_schedule.currency_code is
  'Currency of scheduled_solution_amount, as in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.contract_currency_code is
  'Currency of scheduled_contract_amount, as in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.period_start_date is
  'First day of the contract year, counted from registrations[].contract.startDateTime; null in '
  'year 0.';
comment on column dw.fact_acv_schedule.period_end_date is
  'Last day of the contract year, inclusive, that of the last year by '
  'registrations[].contract.endDateTime; null in year 0.';
comment on column dw.fact_acv_schedule.period_months is
  'Months from period_start_date to period_end_date, 12 but for the last year; rounded for '
  'reading.';
comment on column dw.fact_acv_schedule.scheduled_solution_amount is
  'Part of registrations[].solutionDetails[].value that falls into this year, in currency_code.';
comment on column dw.fact_acv_schedule.scheduled_contract_amount is
  'Part of registrations[].contract.value, allocated to the line, that falls into this year, in '
  'contract_currency_code.';
comment on column dw.fact_acv_schedule.is_incentive_eligible is
  'As in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.is_marketplace_transacted is
  'As in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_acv_schedule.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column dw.fact_acv_schedule.updated_run_id is 'Run that changed the row last; etl.run.';

create index fact_acv_schedule_period_start
  on dw.fact_acv_schedule (partner_account_key, period_start_date);

create table dw.fact_registration_eligibility (
  partner_account_key   integer     not null,
  referral_key          bigint      not null,
  policy_name           text        not null,
  is_eligible           boolean,
  referral_properties   text        not null,
  additional_properties text        not null,
  evaluated_at          timestamptz not null,
  evaluated_date        date        not null,
  row_hash              bigint      not null,
  created_run_id        bigint      not null,
  updated_run_id        bigint      not null,
  primary key (referral_key, partner_account_key, policy_name),
  constraint fact_registration_eligibility_referral
    foreign key (referral_key) references dw.dim_referral (referral_key)
);
comment on table dw.fact_registration_eligibility is
  'One policy that decides whether a referral may be registered, as last evaluated.';
comment on column dw.fact_registration_eligibility.partner_account_key is
  'Account of the referral.';
comment on column dw.fact_registration_eligibility.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_registration_eligibility.policy_name is
  'policyName: what the source calls the policy.';
comment on column dw.fact_registration_eligibility.is_eligible is
  'isEligible; null when not stated.';
comment on column dw.fact_registration_eligibility.referral_properties is
  'referralProperties as key=value, sorted by key and joined by a bar with blanks.';
comment on column dw.fact_registration_eligibility.additional_properties is
  'additionalProperties joined by a bar with blanks.';
comment on column dw.fact_registration_eligibility.evaluated_at is
  'When it was fetched; the entity carries no time.';
comment on column dw.fact_registration_eligibility.evaluated_date is 'UTC day of evaluated_at.';
comment on column dw.fact_registration_eligibility.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_registration_eligibility.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.fact_registration_eligibility.updated_run_id is
  'Run that changed the row last; etl.run.';

create table dw.bridge_line_incentive (
  partner_account_key integer      not null,
  referral_key        bigint       not null,
  registration_no     smallint     not null,
  line_no             smallint     not null,
  tag_key             bigint       not null,
  weight              numeric(7,6) not null,
  row_hash            bigint       not null,
  created_run_id      bigint       not null,
  updated_run_id      bigint       not null,
  primary key (referral_key, partner_account_key, registration_no, line_no, tag_key),
  constraint bridge_line_incentive_referral
    foreign key (referral_key) references dw.dim_referral (referral_key),
  constraint bridge_line_incentive_tag
    foreign key (tag_key) references dw.dim_tag (tag_key)
);
comment on table dw.bridge_line_incentive is 'One incentive of one registration line.';
comment on column dw.bridge_line_incentive.partner_account_key is 'Account of the referral.';
comment on column dw.bridge_line_incentive.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.bridge_line_incentive.registration_no is
  'Number of the registration within the referral; dw.fact_registration.';
comment on column dw.bridge_line_incentive.line_no is
  'Number of the line; dw.fact_registration_solution.';
comment on column dw.bridge_line_incentive.tag_key is 'The incentive; dw.dim_tag, group Incentive.';
comment on column dw.bridge_line_incentive.weight is
  'Share of the incentive; adds up to exactly 1 for each line.';
comment on column dw.bridge_line_incentive.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.bridge_line_incentive.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.bridge_line_incentive.updated_run_id is
  'Run that changed the row last; etl.run.';
