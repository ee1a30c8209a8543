/**
 * Value lists of the resource page, repeated here on purpose: the loader has its own, and an error
 * in one of them shows as an undocumented value.
 */
export const referralSources = ['AppSource', 'AzureMarketplace', 'AzurePortal', 'PowerBI'] as const
export const callsToAction = ['ContactMe', 'FreeTrial', 'GetItNow'] as const
export const marketplaceIntents = ['Yes', 'No', 'HaveNotDecided'] as const

export const products = lines(`
  Azure
  Microsoft365
  Dynamics365Enterprise
  Teams
  PowerBI
  SQL
  EnterpriseMobilityAndSecurity
  Exchange
  DeveloperTools
  Dynamics365Business
  DynamicsAX,GP,NAV,SL
  Office
  Project
  SharePoint
  SkypeForBusiness
  Surface
  SurfaceHub
  Visio
  Windows
  Yammer`)

export const services = lines(`
  IPServices(ISV)
  CustomSolution(ISV)
  ManagedServices
  DeploymentOrMigration
  ConsultingAndProfessional
  Integration
  Hardware
  LearningAndCertification
  Licensing
  ProjectServices`)

export const industries = lines(`
  Manufacturing
  Financial Services
  Retail & Consumer Goods
  Healthcare
  Government
  Agriculture, Forestry, & Fishing
  Communications & Media
  Education
  Hospitality
  Power & Utilities
  Public Safety and National Security
  Services
  Travel & Transportation
  Wholesale & Distribution`)

export const solutionCategories = lines(`
  CloudMigration
  AdvancedAnalytics
  ArtificialIntelligence
  DataWarehouse
  ApplicationIntegration
  AzureSecurityOperationManagement
  AzureStack
  BackupDisasterRecovery
  BigData
  Blockchain
  Chatbot
  CloudDatabaseMigration
  CloudVoice
  CognitiveServices
  CompetitiveDatabaseMigration
  Containers
  DatabaseonLinux
  DevelopmentandTest
  DevOps
  DigitalMedia
  Dynamics365forCustomerService
  Dynamics365forFieldService
  Dynamics365forFinanceOperations
  Dynamics365forRetail
  Dynamics365forSales
  Dynamics365forTalent
  DynamicsonAzure
  EnterpriseBusinessIntelligence
  Gaming
  HighPerformanceComputing
  HybridStorage
  IdentityandAccessManagement
  InformationManagement
  InternetofThings
  MachineLearning
  Microserviceapplications
  MobileApplications
  MySQLPostgresMigrationtoAzure
  Networking
  NoSQLMigration
  RedhatonAzure
  RegulatoryComplianceGDPR
  SAPonAzure
  ServerlessComputing
  SharepointonAzure
  SQLServerUpgrade
  ThreatProtection
  WebDevelopment`)

export const customerSizes = lines(`
  51to250employees
  251to1000employees
  10to50employees
  1001to5000employees
  1to9employees
  5001to10000employees
  10001to20000employees
  Morethan20000employees
  1to50employees
  51to500employees
  Morethan500employees`)

export const partnerRoles = lines(`
  Deployment services
  Solution design
  Managed services
  Adoption and change management
  Business strategy
  Presales envisioning
  Proof of concept
  Transaction`)

/** Solution area and play of FY26, as pairs; one play differs from its twins by a final s. */
export const solutionPlays = lines(`
  AI Business Solutions | Copilot and Agents at Work
  Cloud and AI Platforms | Migrate and Modernize Your Estate
  Security | Modern SecOps with Unified Platform
  Cloud and AI Platforms | Unify Your Data Platform
  AI Business Solutions | Converged Communications
  AI Business Solutions | Data Security
  AI Business Solutions | Sales Transformation with AI
  AI Business Solutions | Secure AI Productivity
  AI Business Solutions | Scale with Cloud and AI Endpoints
  AI Business Solutions | Innovate with Low Code AI and Agents
  AI Business Solutions | ERP Transformation with AI
  AI Business Solutions | Service Transformation with AI
  AI Business Solutions | AI Ready with Surface Copilot PCs
  AI Business Solutions | Scale Business Operations with AI
  AI Business Solutions | Drive Cloud Success through Unified with Enhanced Solution
  Cloud and AI Platforms | Innovate with Azure AI Apps and Agents
  Cloud and AI Platforms | Modern SecOps with Unified Platform
  Cloud and AI Platforms | Protect Cloud AI Platform and Apps
  Cloud and AI Platforms | Copilot and Agents at Work
  Cloud and AI Platforms | Scale with Cloud and AI Endpoints
  Cloud and AI Platforms | Innovate with Low Code AI and Agents
  Cloud and AI Platforms | Drive Cloud Success through Unified with Enhanced Solutions
  Microsoft Unified | Drive Cloud Success through Unified with Enhanced Solutions
  Security | Protect Cloud AI Platform and Apps
  Security | Data Security
  Security | Migrate and Modernize Your Estate
  Security | Secure AI Productivity
  Security | Unify Your Data Platform
  Security | Converged Communications
  Security | Drive Cloud Success through Unified with Enhanced Solutions
  Security | Copilot and Agents at Work`).map((line) => {
  const [area = '', play = ''] = line.split(' | ')
  return { area, play }
})

/** Areas and plays of earlier years: no longer on the page, but still on old referrals. */
export const retiredSolutionPlays = [
  { area: 'Modern Work', play: 'Teams Meetings, Calling and Devices' },
  { area: 'Data & AI', play: 'Migrate and Modernize SQL' },
  { area: 'Infrastructure', play: 'Migrate Windows Server and Linux' },
] as const

function lines(text: string): readonly string[] {
  return text.trim().split(/\n\s*/)
}
