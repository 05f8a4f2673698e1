namespace NativeRanger.Cli.Commands;

/// <summary>Where a command writes its results.</summary>
internal static class OutputFolder
{
    /// <summary>The folder, created if it is not there.</summary>
    public static string Create(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return folder;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"The folder '{folder}' cannot be written to: {exception.Message}");
        }
    }
}
