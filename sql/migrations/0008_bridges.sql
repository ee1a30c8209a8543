create table dw.bridge_referral_tag (
  partner_account_key integer      not null,
  referral_key        bigint       not null,
  tag_key             bigint       not null,
  weight              numeric(7,6) not null,
  tag_count           smallint     not null,
  row_hash            bigint       not null,
  created_run_id      bigint       not null,
  updated_run_id      bigint       not null,
  primary key (referral_key, tag_key, partner_account_key)
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
  primary key (referral_key, registration_no, line_no, tag_key, partner_account_key)
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
