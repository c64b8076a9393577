// Package known lists what AWS offers everyone by name: regions, EC2 instance types, and Image Builder's managed
// components and images. It is data as of [Date] and refuses to know what a name is used for; AWS adds names without
// notice, so one that is missing here may exist. Start with [Region].
package known

// Date is when the lists were last compared with AWS's.
const Date = "2026-12-01"
