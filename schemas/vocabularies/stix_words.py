"""The vocabularies and enumerations of STIX 2.1 (section 10)."""

from typing import Final, get_args

from schemas.vocabularies.sectors import OWN_SECTORS
from schemas.vocabularies.vocabulary import Vocabulary, of_words
from schemas.vocabularies.words import EncryptionAlgorithm, ExtensionType, OpinionWord

OPEN: Final = (
    # kavi: drafts of STIX 2.0, and OASIS's own schemas
    of_words(
        "account-type-ov",
        "facebook ldap nis openid radius skype tacacs twitter unix windows-local "
        "windows-domain",
        more="kavi",
    ),
    of_words(
        "attack-motivation-ov",
        "accidental coercion dominance ideology notoriety organizational-gain "
        "personal-gain personal-satisfaction revenge unpredictable",
    ),
    of_words(
        "attack-resource-level-ov",
        "individual club contest team organization government",
    ),
    of_words("grouping-context-ov", "suspicious-activity malware-analysis unspecified"),
    of_words(
        "hash-algorithm-ov",
        "MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 SSDEEP TLSH",
    ),
    of_words("identity-class-ov", "individual group system organization class unknown"),
    of_words(
        "implementation-language-ov",
        "applescript bash c c++ c# go java javascript lua objective-c perl php "
        "powershell python ruby scala swift typescript visual-basic x86-32 x86-64",
    ),
    of_words(
        "indicator-type-ov",
        "anomalous-activity anonymization benign compromised malicious-activity "
        "attribution unknown",
    ),
    # engineering: OASIS's own schemas
    of_words(
        "industry-sector-ov",
        "agriculture aerospace automotive chemical commercial communications "
        "construction defense education energy entertainment financial-services "
        "government emergency-services government-local government-national "
        "government-public-services government-regional healthcare "
        "hospitality-leisure infrastructure dams nuclear water insurance "
        "manufacturing mining non-profit pharmaceuticals retail technology "
        "telecommunications transportation utilities",
        more=f"engineering {' '.join(OWN_SECTORS)}",
    ),
    of_words(
        "infrastructure-type-ov",
        "amplification anonymization botnet command-and-control control-system "
        "exfiltration firewall hosting-malware hosting-target-lists phishing "
        "reconnaissance routers-switches staging workstation unknown",
    ),
    of_words("malware-result-ov", "malicious suspicious benign unknown"),
    of_words(
        "malware-capabilities-ov",
        "accesses-remote-machines anti-debugging anti-disassembly anti-emulation "
        "anti-memory-forensics anti-sandbox anti-vm captures-input-peripherals "
        "captures-output-peripherals captures-system-state-data "
        "cleans-traces-of-infection commits-fraud communicates-with-c2 "
        "compromises-data-availability compromises-data-integrity "
        "compromises-system-availability controls-local-machine "
        "degrades-security-software degrades-system-updates determines-c2-server "
        "emails-spam escalates-privileges evades-av exfiltrates-data "
        "fingerprints-host hides-artifacts hides-executing-code infects-files "
        "infects-remote-machines installs-other-components "
        "persists-after-system-reboot prevents-artifact-access "
        "prevents-artifact-deletion probes-network-environment self-modifies "
        "steals-authentication-credentials violates-system-operational-integrity",
    ),
    of_words(
        "malware-type-ov",
        "adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger "
        "ransomware remote-access-trojan resource-exploitation "
        "rogue-security-software rootkit screen-capture spyware trojan unknown virus "
        "webshell wiper worm",
    ),
    of_words("pattern-type-ov", "stix pcre sigma snort suricata yara"),
    of_words(
        "processor-architecture-ov", "alpha arm ia-64 mips powerpc sparc x86 x86-64"
    ),
    of_words(
        "region-ov",
        "africa eastern-africa middle-africa northern-africa southern-africa "
        "western-africa americas caribbean central-america latin-america-caribbean "
        "northern-america south-america asia central-asia eastern-asia southern-asia "
        "south-eastern-asia western-asia europe eastern-europe northern-europe "
        "southern-europe western-europe oceania antarctica australia-new-zealand "
        "melanesia micronesia polynesia",
    ),
    of_words(
        "report-type-ov",
        "attack-pattern campaign identity indicator intrusion-set malware "
        "observed-data threat-actor threat-report tool vulnerability",
    ),
    of_words(
        "threat-actor-type-ov",
        "activist competitor crime-syndicate criminal hacker insider-accidental "
        "insider-disgruntled nation-state sensationalist spy terrorist unknown",
    ),
    of_words(
        "threat-actor-role-ov",
        "agent director independent infrastructure-architect infrastructure-operator "
        "malware-author sponsor",
    ),
    of_words(
        "threat-actor-sophistication-ov",
        "none minimal intermediate advanced expert innovator strategic",
    ),
    of_words(
        "tool-type-ov",
        "denial-of-service exploitation information-gathering network-capture "
        "credential-exploitation remote-access vulnerability-scanning unknown",
    ),
    of_words("windows-pebinary-type-ov", "dll exe sys"),
)
CLOSED: Final = (
    Vocabulary("encryption-algorithm-enum", get_args(EncryptionAlgorithm), closed=True),
    Vocabulary("extension-type-enum", get_args(ExtensionType), closed=True),
    Vocabulary("opinion-enum", get_args(OpinionWord), closed=True),
    of_words(
        "network-socket-address-family-enum",
        "AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH",
        closed=True,
    ),
    of_words(
        "network-socket-type-enum",
        "SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET",
        closed=True,
    ),
    of_words("windows-integrity-level-enum", "low medium high system", closed=True),
    of_words(
        "windows-registry-datatype-enum",
        "REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN "
        "REG_DWORD_LITTLE_ENDIAN REG_LINK REG_MULTI_SZ REG_RESOURCE_LIST "
        "REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD "
        "REG_INVALID_TYPE",
        closed=True,
    ),
    of_words(
        "windows-service-start-type-enum",
        "SERVICE_AUTO_START SERVICE_BOOT_START SERVICE_DEMAND_START SERVICE_DISABLED "
        "SERVICE_SYSTEM_ALERT",
        closed=True,
    ),
    of_words(
        "windows-service-type-enum",
        "SERVICE_KERNEL_DRIVER SERVICE_FILE_SYSTEM_DRIVER SERVICE_WIN32_OWN_PROCESS "
        "SERVICE_WIN32_SHARE_PROCESS",
        closed=True,
    ),
    of_words(
        "windows-service-status-enum",
        "SERVICE_CONTINUE_PENDING SERVICE_PAUSE_PENDING SERVICE_PAUSED "
        "SERVICE_RUNNING SERVICE_START_PENDING SERVICE_STOP_PENDING SERVICE_STOPPED",
        closed=True,
    ),
)
