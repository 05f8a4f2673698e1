using NativeRanger.Bindings;

if (args.Length == 0)
{
    await Console.Error.WriteLineAsync(
        """
        Writes the C# bindings of C headers. Run it from the root of the repository.

        NativeRanger.Bindings <response file>...

          A response file names a header and says what its bindings are called and where they go:
          native/include/nativeranger.rsp is one.
        """
    );
    return 2;
}

try
{
    foreach (var path in args)
    {
        Generator.Write(ResponseFile.Read(path), Environment.CurrentDirectory);
    }
    return 0;
}
catch (BindingsException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
