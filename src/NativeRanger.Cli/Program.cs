using System.CommandLine;

return new RootCommand("NativeRanger: optimizers with native kernels for .NET arrays.").Parse(args).Invoke();
