-- Value lists without further meaning, in the order of the documentation. Members may contain
-- commas, which is why no list of ours is joined by one.

insert into etl.enum_value (
  enum_name,
  enum_value,
  canonical_value,
  sort_order,
  is_documented
)
select
  enum_name,
  enum_value,
  enum_value as canonical_value,
  sort_order,
  true as is_documented
from (
  values
    ('Products', array[
      'Azure',
      'EnterpriseMobilityAndSecurity',
      'Exchange',
      'DeveloperTools',
      'Dynamics365Business',
      'Dynamics365Enterprise',
      'DynamicsAX,GP,NAV,SL',
      'Microsoft365',
      'Office',
      'PowerBI',
      'Project',
      'SharePoint',
      'SkypeForBusiness',
      'Surface',
      'SurfaceHub',
      'SQL',
      'Teams',
      'Visio',
      'Windows',
      'Yammer'
    ]),
    ('Services', array[
      'ConsultingAndProfessional',
      'CustomSolution(ISV)',
      'DeploymentOrMigration',
      'Hardware',
      'Integration',
      'IPServices(ISV)',
      'LearningAndCertification',
      'Licensing',
      'ManagedServices',
      'ProjectServices'
    ]),
    ('Industries', array[
      'Agriculture, Forestry, & Fishing',
      'Communications & Media',
      'Education',
      'Financial Services',
      'Government',
      'Healthcare',
      'Hospitality',
      'Manufacturing',
      'Power & Utilities',
      'Public Safety and National Security',
      'Retail & Consumer Goods',
      'Services',
      'Travel & Transportation',
      'Wholesale & Distribution'
    ]),
    ('Solutions', array[
      'AdvancedAnalytics',
      'ApplicationIntegration',
      'ArtificialIntelligence',
      'AzureSecurityOperationManagement',
      'AzureStack',
      'BackupDisasterRecovery',
      'BigData',
      'Blockchain',
      'Chatbot',
      'CloudDatabaseMigration',
      'CloudMigration',
      'CloudVoice',
      'CognitiveServices',
      'CompetitiveDatabaseMigration',
      'Containers',
      'DataWarehouse',
      'DatabaseonLinux',
      'DevelopmentandTest',
      'DevOps',
      'DigitalMedia',
      'Dynamics365forCustomerService',
      'Dynamics365forFieldService',
      'Dynamics365forFinanceOperations',
      'Dynamics365forRetail',
      'Dynamics365forSales',
      'Dynamics365forTalent',
      'DynamicsonAzure',
      'EnterpriseBusinessIntelligence',
      'Gaming',
      'HighPerformanceComputing',
      'HybridStorage',
      'IdentityandAccessManagement',
      'InformationManagement',
      'InternetofThings',
      'MachineLearning',
      'Microserviceapplications',
      'MobileApplications',
      'MySQLPostgresMigrationtoAzure',
      'Networking',
      'NoSQLMigration',
      'RedhatonAzure',
      'RegulatoryComplianceGDPR',
      'SAPonAzure',
      'ServerlessComputing',
      'SharepointonAzure',
      'SQLServerUpgrade',
      'ThreatProtection',
      'WebDevelopment'
    ]),
    ('CustomerSize', array[
      '1to50employees',
      '51to500employees',
      'Morethan500employees',
      '1to9employees',
      '10to50employees',
      '51to250employees',
      '251to1000employees',
      '1001to5000employees',
      '5001to10000employees',
      '10001to20000employees',
      'Morethan20000employees'
    ]),
    ('PartnerRole', array[
      'Adoption and change management',
      'Business strategy',
      'Deployment services',
      'Managed services',
      'Presales envisioning',
      'Proof of concept',
      'Solution design',
      'Transaction'
    ]),
    ('SolutionArea', array[
      'AI Business Solutions',
      'Cloud and AI Platforms',
      'Microsoft Unified',
      'Security'
    ])
) as v (enum_name, members)
cross join unnest(members) with ordinality as member (enum_value, sort_order);

-- Plays are the ones of fiscal year 2026. One of them is spelt in two ways by the documentation.
insert into etl.enum_value (
  enum_name,
  parent_value,
  enum_value,
  canonical_value,
  sort_order,
  is_documented
)
select
  'SolutionPlay' as enum_name,
  solution_area as parent_value,
  solution_play as enum_value,
  regexp_replace(solution_play, ' Enhanced Solution$', ' Enhanced Solutions') as canonical_value,
  sort_order,
  true as is_documented
from (
  values
    ('AI Business Solutions', array[
      'Converged Communications',
      'Data Security',
      'Sales Transformation with AI',
      'Copilot and Agents at Work',
      'Secure AI Productivity',
      'Scale with Cloud and AI Endpoints',
      'Innovate with Low Code AI and Agents',
      'ERP Transformation with AI',
      'Service Transformation with AI',
      'AI Ready with Surface Copilot PCs',
      'Scale Business Operations with AI',
      'Drive Cloud Success through Unified with Enhanced Solution'
    ]),
    ('Cloud and AI Platforms', array[
      'Innovate with Azure AI Apps and Agents',
      'Unify Your Data Platform',
      'Migrate and Modernize Your Estate',
      'Modern SecOps with Unified Platform',
      'Protect Cloud AI Platform and Apps',
      'Copilot and Agents at Work',
      'Scale with Cloud and AI Endpoints',
      'Innovate with Low Code AI and Agents',
      'Drive Cloud Success through Unified with Enhanced Solutions'
    ]),
    ('Microsoft Unified', array[
      'Drive Cloud Success through Unified with Enhanced Solutions'
    ]),
    ('Security', array[
      'Protect Cloud AI Platform and Apps',
      'Data Security',
      'Modern SecOps with Unified Platform',
      'Migrate and Modernize Your Estate',
      'Secure AI Productivity',
      'Unify Your Data Platform',
      'Converged Communications',
      'Drive Cloud Success through Unified with Enhanced Solutions',
      'Copilot and Agents at Work'
    ])
) as v (solution_area, plays)
cross join unnest(plays) with ordinality as play (solution_play, sort_order);
