-- The twins of the loaded tables: what one batch of referrals becomes before it has surrogate keys.
-- referral_no, the number of the referral in the batch, stands for the referral and natural keys for
-- the other surrogates. Unlogged and without index: a crash empties them and the batch is staged
-- again, and they are read by whole-table joins only.

create unlogged table stg.dim_referral (
  partner_account_key                            integer     not null,
  referral_no                                       integer     not null,
  referral_id                                    text        not null,
  engagement_id                                  text,
  referral_name                                  text,
  external_reference_id                          text,
  mpn_id                                         text,
  etag                                           text,
  referral_status                                text        not null,
  referral_substatus                             text        not null,
  status_reason                                  text,
  referral_type                                  text        not null,
  qualification                                  text        not null,
  referral_source                                text        not null,
  call_to_action                                 text        not null,
  registration_status                            text        not null,
  customer_marketplace_intent                    text        not null,
  solution_area                                  text        not null,
  solution_play                                  text        not null,
  partner_role                                   text        not null,
  referral_category                              text        not null,
  deal_type                                      text        not null,
  consent_to_share_info_with_others              boolean,
  consent_to_contact                             boolean,
  consent_to_share_with_microsoft_sellers        boolean,
  consent_to_microsoft_contact_specific_partners boolean,
  invited_by_organization_id                     text,
  invited_by_organization_name                   text,
  has_iot_requirements                           boolean     not null,
  iot_license_agreement_number                   text,
  iot_device_category                            text,
  iot_silicon_type                               text,
  iot_is_azure_certified_device                  boolean,
  iot_has_attached_services                      boolean,
  customer_contact_count                         smallint    not null,
  team_member_count                              smallint    not null,
  direction                                      text,
  organization_id                                text,
  organization_name                              text,
  sales_stage                                    text,
  microsoft_msx_id                               text,
  is_missing                                     boolean     not null,
  missing_since                                  timestamptz,
  source_updated_at                              timestamptz not null,
  row_hash                                       bigint      not null
);

create unlogged table stg.dim_customer (
  partner_account_key         integer not null,
  referral_no                    integer not null,
  profile_hash                text    not null,
  customer_match_id           text    not null,
  customer_name               text    not null,
  customer_size               text    not null,
  customer_size_min_employees integer,
  address_line1               text,
  address_line2               text,
  city                        text,
  state                       text,
  postal_code                 text,
  country_code                text,
  region                      text,
  moodys_id                   text,
  external_customer_id        text,
  duns_number                 text
);

create unlogged table stg.dim_solution (
  partner_account_key integer     not null,
  referral_no            integer     not null,
  item_kind           text        not null,
  solution_id         text        not null,
  solution_name       text        not null,
  match_type          text        not null,
  solution_type       text        not null,
  publisher_name      text        not null,
  source_updated_at   timestamptz not null,
  row_hash            bigint      not null
);

create unlogged table stg.dim_tag (
  partner_account_key integer not null,
  referral_no            integer not null,
  tag_group           text    not null,
  tag_type            text    not null,
  tag_id              text    not null
);

create unlogged table stg.fact_referral (
  partner_account_key        integer     not null,
  referral_no                   integer     not null,
  profile_hash               text        not null,
  referral_status            text        not null,
  referral_substatus         text        not null,
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
  row_hash                   bigint      not null
);

create unlogged table stg.fact_referral_history (
  partner_account_key          integer     not null,
  referral_no                     integer     not null,
  version_no                   integer     not null,
  valid_from                   timestamptz not null,
  valid_to                     timestamptz,
  valid_from_date              date        not null,
  valid_to_date                date,
  is_current                   boolean     not null,
  is_estimated                 boolean     not null,
  is_missing                   boolean     not null,
  profile_hash                 text        not null,
  referral_status              text        not null,
  referral_substatus           text        not null,
  previous_referral_status     text,
  previous_referral_substatus  text,
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
  row_hash                     bigint      not null
);

create unlogged table stg.fact_referral_solution (
  partner_account_key         integer      not null,
  referral_no                    integer      not null,
  line_no                     smallint     not null,
  item_kind                   text         not null,
  solution_id                 text         not null,
  price_text                  text,
  price_amount                numeric(19,4),
  currency_code               text         not null,
  quantity                    numeric(19,4),
  line_amount                 numeric(19,4),
  weight                      numeric(7,6) not null,
  allocated_deal_value_amount numeric(19,4),
  row_hash                    bigint       not null
);

create unlogged table stg.fact_registration (
  partner_account_key         integer  not null,
  referral_no                    integer  not null,
  registration_no             smallint not null,
  registration_id             text,
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
  row_hash                    bigint   not null
);

create unlogged table stg.fact_registration_solution (
  partner_account_key             integer  not null,
  referral_no                        integer  not null,
  registration_no                 smallint not null,
  line_no                         smallint not null,
  item_kind                       text     not null,
  solution_id                     text     not null,
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
  row_hash                        bigint   not null
);

create unlogged table stg.fact_acv_schedule (
  partner_account_key       integer  not null,
  referral_no                  integer  not null,
  registration_no           smallint not null,
  line_no                   smallint not null,
  contract_year_no          smallint not null,
  item_kind                 text     not null,
  solution_id               text     not null,
  currency_code             text     not null,
  contract_currency_code    text     not null,
  period_start_date         date,
  period_end_date           date,
  period_months             numeric(9,4),
  scheduled_solution_amount numeric(19,4),
  scheduled_contract_amount numeric(19,4),
  is_incentive_eligible     boolean  not null,
  is_marketplace_transacted boolean,
  row_hash                  bigint   not null
);

create unlogged table stg.fact_registration_eligibility (
  partner_account_key   integer     not null,
  referral_no              integer     not null,
  policy_name           text        not null,
  is_eligible           boolean,
  referral_properties   text        not null,
  additional_properties text        not null,
  evaluated_at          timestamptz not null,
  evaluated_date        date        not null,
  row_hash              bigint      not null
);

create unlogged table stg.bridge_referral_tag (
  partner_account_key integer      not null,
  referral_no            integer      not null,
  tag_group           text         not null,
  tag_type            text         not null,
  tag_id              text         not null,
  weight              numeric(7,6) not null,
  tag_count           smallint     not null,
  row_hash            bigint       not null
);

create unlogged table stg.bridge_line_incentive (
  partner_account_key integer      not null,
  referral_no            integer      not null,
  registration_no     smallint     not null,
  line_no             smallint     not null,
  tag_group           text         not null,
  tag_type            text         not null,
  tag_id              text         not null,
  weight              numeric(7,6) not null,
  row_hash            bigint       not null
);

create unlogged table stg.contact (
  partner_account_key   integer  not null,
  referral_no              integer  not null,
  contact_role          text     not null,
  contact_no            smallint not null,
  first_name            text,
  last_name             text,
  phone_number          text,
  email                 text,
  title                 text,
  extra                 jsonb,
  contact_hash          text,
  locale                text,
  disable_notifications boolean,
  row_hash              bigint   not null
);

create unlogged table stg.referral_text (
  partner_account_key integer not null,
  referral_no            integer not null,
  details_notes       text,
  invite_notes        text,
  row_hash            bigint  not null
);

create unlogged table stg.dq_finding (
  partner_account_key integer not null,
  referral_no            integer not null,
  referral_id         text    not null,
  rule_code           text    not null,
  item_ref            text    not null,
  severity            text    not null,
  detail              text,
  observed_value      text
);

create unlogged table stg.quarantine (
  partner_account_key integer not null,
  referral_no            integer not null,
  resource_type       text    not null,
  resource_id         text    not null,
  version_no          integer not null,
  reason_code         text    not null,
  item_path           text    not null,
  detail              text    not null
);

create unlogged table stg.enum_value (
  partner_account_key integer not null,
  referral_no            integer not null,
  enum_name           text    not null,
  parent_value        text    not null,
  enum_value          text    not null
);

create unlogged table stg.listed_referral (
  partner_account_key integer not null,
  run_id              bigint  not null,
  resource_id         text    not null
);

create unlogged table stg.referral_key (
  partner_account_key integer not null,
  referral_no            integer not null,
  referral_id         text    not null,
  referral_key        bigint,
  customer_key        bigint
);
